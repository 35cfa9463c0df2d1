internal import CommandLineTool
internal import LinuxSystem
internal import Synchronization

/// The end of a tool by SIGINT or SIGTERM: what outlives its process is taken away first.
package enum Termination {
  private struct State {
    var cleanUp: (@Sendable () -> Void)?
    var isUnderWay = false
  }

  private static let state = Mutex(State())

  /// Says what is to be done; nil when there is nothing any more.
  package static func arrange(_ cleanUp: (@Sendable () -> Void)?) { state.withLock { $0.cleanUp = cleanUp } }

  /// Runs a tool's work and ends the process with the status that it returns. A signal ends the process with 128 and the
  /// signal's number, after what was arranged; a second one ends it at once.
  ///
  /// To be called first in main.
  package static func run(_ work: @escaping @Sendable () async -> Int32) -> Never {
    Signals.block()
    Task {
      let status = await work()
      // Then the process ends when all is cleaned up.
      while isUnderWay { try? await Task.sleep(for: .seconds(1)) }
      Console.exit(status)
    }
    Task { await wait() }
    Signals.takeTerminations()
  }

  private static func wait() async {
    let signal = await Signals.waitForTermination()
    let cleanUp = state.withLock { state in
      state.isUnderWay = true
      return state.cleanUp
    }
    cleanUp?()
    Console.exit(128 + signal)
  }

  /// Whether a signal has come: nothing more is to be begun.
  package static var isUnderWay: Bool { state.withLock { $0.isUnderWay } }
}
