internal import LinuxSystem

/// A failed operation on the node's file system.
public struct HostError: Error, Hashable, Sendable {
  /// The operation: `stat`, `remove`, `mount`.
  public let operation: String
  /// The path or device.
  public let path: String
  /// The errno. 0 if there is none.
  public let code: Int32
  /// The reason, in the system's words.
  public let reason: String

  /// Creates an error from an errno, with the errno's text as reason.
  public init(_ operation: String, _ path: String, code: Int32) {
    self.init(operation, path, code: code, reason: Errno(rawValue: code).text)
  }

  /// Creates an error from its parts.
  public init(_ operation: String, _ path: String, code: Int32 = 0, reason: String) {
    self.operation = operation
    self.path = path
    self.code = code
    self.reason = reason
  }

  /// Whether the server of a mount has died. The path is a mount point and can only be unmounted.
  public var isCorruptedMount: Bool {
    [Errno.notConnected, .stale, .ioError, .accessDenied, Errno(rawValue: 112)].map(\.rawValue).contains(code)
  }
}

extension HostError: CustomStringConvertible {
  /// The text in Go's form: `stat /dir: no such file or directory`.
  public var description: String { "\(operation) \(path): \(reason)" }
}

extension VolumeFailure {
  /// Creates a final failure from an error of the file system.
  init(_ error: HostError) { self.init(.final, error.description) }
}
