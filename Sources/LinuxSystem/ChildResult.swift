/// How a child process ended, and what it wrote.
package struct ChildResult: Hashable, Sendable {
  /// How a child process ended.
  package enum Status: Hashable, Sendable {
    /// By itself, with this exit code.
    case exited(Int32)
    /// By a signal that was not ours.
    case signalled(Int32)
    /// It was killed, with its process group, since its time was up.
    case deadlineExceeded
    /// It was killed, with its process group, since nobody wants its result any more.
    case cancelled
  }

  /// How it ended.
  package let status: Status
  /// Standard output and error together, the last 64 KiB unless told otherwise; invalid UTF-8 is replaced.
  package let output: String

  /// Whether it ended by itself with exit code 0.
  package var isSuccess: Bool { status == .exited(0) }

  /// A result from its parts; for stand-ins in tests.
  package init(status: Status, output: String) {
    self.status = status
    self.output = output
  }
}

extension ChildResult.Status: CustomStringConvertible {
  /// `exit code 1`, `signal 9`, `deadline exceeded`, `cancelled`.
  package var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signalled(let number): "signal \(number)"
    case .deadlineExceeded: "deadline exceeded"
    case .cancelled: "cancelled"
    }
  }
}
