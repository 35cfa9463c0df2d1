internal import LinuxSystem

/// What the node's file system refused.
public struct HostError: Error, Hashable, Sendable {
  /// What was tried: `stat`, `remove`, `mount`.
  public let operation: String
  /// On what.
  public let path: String
  /// The errno; 0 when there is none.
  public let code: Int32
  /// The reason, in the system's words.
  public let reason: String

  /// An error with an errno and its text.
  public init(_ operation: String, _ path: String, code: Int32) {
    self.init(operation, path, code: code, reason: Errno(rawValue: code).text)
  }

  /// An error from its parts.
  public init(_ operation: String, _ path: String, code: Int32 = 0, reason: String) {
    self.operation = operation
    self.path = path
    self.code = code
    self.reason = reason
  }

  /// Whether it means a mount whose server has died: something is mounted there, and only unmounting helps.
  public var isCorruptedMount: Bool {
    [Errno.notConnected, .stale, .ioError, .accessDenied, Errno(rawValue: 112)].map(\.rawValue).contains(code)
  }
}

extension HostError: CustomStringConvertible {
  /// As Go words it: `stat /dir: no such file or directory`.
  public var description: String { "\(operation) \(path): \(reason)" }
}

extension VolumeFailure {
  /// What the file system refuses is final.
  init(_ error: HostError) { self.init(.final, error.description) }
}
