import Synchronization
import VolumeHost

/// A driver that answers from a script and records its calls.
final class ScriptedRunner: DriverRunner {
  private let answers: @Sendable (DriverCall) -> DriverProcess
  private let asked = Mutex<[DriverCall]>([])

  init(_ answers: @escaping @Sendable (DriverCall) -> DriverProcess) { self.answers = answers }

  /// Returns one answer for every call.
  convenience init(_ output: String, _ end: DriverProcess.End = .exited(0)) {
    self.init { _ in DriverProcess(output: output, end: end) }
  }

  var calls: [DriverCall] { asked.withLock { $0 } }
  /// The recorded commands, without arguments.
  var commands: [DriverCommand] { calls.map(\.command) }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    asked.withLock { $0.append(call) }
    return answers(call)
  }
}
