/// The status and the output of a child process that has ended.
package struct ChildResult: Hashable, Sendable {
  /// How a child process ended.
  package enum Status: Hashable, Sendable {
    /// It ended by itself, with this exit code.
    case exited(Int32)
    /// It ended by a signal that this process did not send.
    case signalled(Int32)
    /// It was killed with its process group because its deadline had passed.
    case deadlineExceeded
    /// It was killed with its process group because its work was cancelled.
    case cancelled
  }

  /// How the child ended.
  package let status: Status
  /// Standard output and standard error together. By default the last 64 KiB. Invalid UTF-8 is replaced.
  package let output: String

  /// Whether the child ended by itself with exit code 0.
  package var isSuccess: Bool { status == .exited(0) }

  /// Creates a result for stand-ins in tests.
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
