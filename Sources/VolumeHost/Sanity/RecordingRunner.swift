internal import Synchronization

/// Runs a driver with a limit on every call and records what was wrong with its answers.
final class RecordingRunner: DriverRunner {
  let inner = ProcessRunner()
  let limit: Duration
  private let found = Mutex<[String]>([])

  init(limit: Duration) { self.limit = limit }

  /// The recorded faults, each once, in order.
  var complaints: [String] { found.withLock { $0 } }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    let process = await inner.run(executable, call, limit: min(limit ?? self.limit, self.limit))
    if let complaint = complaint(process, call) {
      found.withLock { if !$0.contains(complaint) { $0.append(complaint) } }
    }
    return process
  }

  private func complaint(_ process: DriverProcess, _ call: DriverCall) -> String? {
    let command = call.command.rawValue
    switch process.end {
    case .timedOut: return "\(command) did not end within \(limit), or left a process that has its output open"
    case .notStarted(let reason): return reason
    case .signalled(let number): return "\(command) was ended by signal \(number)"
    case .exited: break
    }
    do throws(JSONError) {
      return try complaint(DriverReply(parsing: process.output), process.end, command)
    } catch {
      return "\(command) printed \(Self.quote(process.output)): \(error)"
    }
  }

  private func complaint(_ reply: DriverReply, _ end: DriverProcess.End, _ command: String) -> String? {
    if reply.isSuccess, end != .exited(0) { return "\(command) returned Success and ended with \(end.goError ?? "0")" }
    // Failure is valid with any exit code, like "Not supported".
    if reply.isSuccess || reply.isNotSupported || reply.status == "Failure" { return nil }
    return "\(command) returned status \(Self.quote(reply.status))"
  }

  static func quote(_ text: String) -> String {
    "\"" + text.prefix(120).replacing("\n", with: "\\n") + (text.count > 120 ? "…" : "") + "\""
  }
}
