/// What block volumes need of a node's file system besides `HostFiles`.
public protocol BlockFiles: HostFiles {
  /// What is at a path, a symbolic link not followed.
  func kind(of path: String) async throws(HostError) -> BlockEntry
  /// Makes a symbolic link. Fails when something is there.
  func makeLink(at path: String, to target: String) async throws(HostError)
  /// Makes an empty file, mode 0750, if there is none.
  func makeFile(_ path: String) async throws(HostError)
  /// Removes a file, a device node or a link; what does not exist is success.
  func removeFile(at path: String) async throws(HostError)
  /// The names of everything in a directory, sorted; none for one that does not exist.
  func names(in path: String) async throws(HostError) -> [String]
  /// A loop device on a file or block device: the one that exists, or a new one, which keeps it open.
  func attachLoop(to path: String) async throws(HostError) -> String
  /// The loop device on a file or block device; nil when there is none.
  func findLoop(on path: String) async throws(HostError) -> String?
  /// Frees a loop device.
  func detachLoop(_ device: String) async throws(HostError)
}

/// What is at a path.
public enum BlockEntry: Hashable, Sendable {
  /// Nothing.
  case missing
  /// A device, or a file that a device is bound to.
  case device
  /// A symbolic link.
  case link
  /// A file or a directory.
  case other
}
