import LinuxSystem
import Synchronization

/// Runs programs of the operating system, and our own.
enum Programs {
  /// This process's environment with additional variables.
  static func environment(_ variables: [String: String] = [:]) -> [String] {
    inherited.merging(variables) { _, other in other }.map { "\($0.key)=\($0.value)" }
  }

  private static let inherited = OwnProcess.environment

  /// Runs a program that must succeed. Returns its output, which is printed only if the program fails. Blocks.
  ///
  /// - Parameters:
  /// - words: a path, or a name in the usual directories, and the arguments.
  /// - variables: added to our environment.
  /// - cleansUp: whether the program may run after ``interrupt()``.
  @discardableResult
  static func run(_ words: [String], variables: [String: String] = [:], cleansUp: Bool = false) throws -> String {
    guard let path = words[0].hasPrefix("/") ? words[0] : Tools.find(words[0]) else {
      throw NotMeasured("\(words[0]) is not installed")
    }
    let (arguments, environment) = (Array(words.dropFirst()), environment(variables))
    let result =
      try cleansUp
      ? ChildProcess.run(path, arguments, environment: environment, deadline: nil)
      : turn.withLock { _ in
        guard !interruption.isCancelled else { throw NotMeasured("interrupted") }
        return try ChildProcess.run(
          path, arguments, environment: environment, deadline: nil, cancellation: interruption)
      }
    guard result.isSuccess else {
      throw NotMeasured("\(words.joined(separator: " ")): \(result.status), \(result.output)")
    }
    return result.output
  }

  @discardableResult
  static func run(_ words: String...) throws -> String { try run(words) }

  private static let interruption = CancellationFlag()
  /// Locked while a program runs.
  private static let turn = Mutex(())

  /// Kills the running program and waits for its end. After that only programs that clean up may run. Blocks.
  static func interrupt() {
    interruption.cancel()
    turn.withLock { _ in }
  }

  /// The duration of the body.
  static func time(_ body: () throws -> Void) rethrows -> Duration {
    let began = MonotonicClock.now()
    try body()
    return MonotonicClock.now() - began
  }
}
