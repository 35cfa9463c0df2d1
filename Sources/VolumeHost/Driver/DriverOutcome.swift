/// The outcome of a call as kubelet and controller-manager see it, see the table in docs/flexvolume.md.
public enum DriverOutcome: Hashable, Sendable {
  /// Exit code 0 and `Success`.
  case success(DriverReply)
  /// `Not supported`, with any exit code. The command counts as missing until the driver is probed again.
  case notSupported
  /// Anything else. The text is the error in the pod's Events.
  case failure(String)

  /// Evaluates a process that has ended.
  public init(of command: DriverCommand, _ process: DriverProcess) {
    if process.end == .timedOut {
      self = .failure("timeout")
      return
    }
    do throws(JSONError) {
      self.init(of: command, try DriverReply(parsing: process.output), process.end)
    } catch {
      self = .failure(error.description)
    }
  }

  private init(of command: DriverCommand, _ reply: DriverReply, _ end: DriverProcess.End) {
    if reply.isNotSupported {
      self = .notSupported
    } else if !reply.isSuccess {
      self = .failure("\(command.rawValue) command failed, status: \(reply.status), reason: \(reply.message)")
    } else if let error = end.goError {
      self = .failure(error)
    } else {
      self = .success(reply)
    }
  }
}

extension DriverProcess.End {
  /// The error of Go's os/exec for this end. Nil for exit code 0.
  var goError: String? {
    switch self {
    case .exited(0): nil
    case .exited(let code): "exit status \(code)"
    case .signalled(let number): "signal: " + (Self.signals[number] ?? "signal \(number)")
    case .timedOut: "timeout"
    case .notStarted(let reason): reason
    }
  }

  private static let signals: [Int32: String] = [
    1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 6: "aborted", 7: "bus error",
    8: "floating point exception", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 14: "alarm clock",
    15: "terminated",
  ]
}
