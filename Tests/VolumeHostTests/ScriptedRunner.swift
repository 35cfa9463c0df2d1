import Synchronization
import VolumeHost

/// A driver that answers from a script, and remembers what it was asked.
final class ScriptedRunner: DriverRunner {
  private let answers: @Sendable (DriverCall) -> DriverProcess
  private let asked = Mutex<[DriverCall]>([])

  init(_ answers: @escaping @Sendable (DriverCall) -> DriverProcess) { self.answers = answers }

  /// One answer for everything.
  convenience init(_ output: String, _ end: DriverProcess.End = .exited(0)) {
    self.init { _ in DriverProcess(output: output, end: end) }
  }

  var calls: [DriverCall] { asked.withLock { $0 } }
  /// What was asked, without its arguments.
  var commands: [DriverCommand] { calls.map(\.command) }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    asked.withLock { $0.append(call) }
    return answers(call)
  }
}
