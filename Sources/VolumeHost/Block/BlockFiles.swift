/// The file system operations that block volumes need in addition to `HostFiles`.
public protocol BlockFiles: HostFiles {
  /// Returns what is at a path. A symbolic link is not followed. Throws the error of stat, except if nothing is there.
  func kind(of path: String) async throws(HostError) -> BlockEntry
  /// Creates a symbolic link. Throws `EEXIST` if something is at the path.
  func makeLink(at path: String, to target: String) async throws(HostError)
  /// Creates an empty file with mode 0750 if there is none. Throws the error of the system call.
  func makeFile(_ path: String) async throws(HostError)
  /// Removes a file, a device node or a link. Succeeds if it does not exist. Throws `EBUSY` if it is a mount point.
  func removeFile(at path: String) async throws(HostError)
  /// Returns the sorted names of everything in a directory. Empty if the directory does not exist. Throws the error of
  /// reading it.
  func names(in path: String) async throws(HostError) -> [String]
  /// Returns a loop device on a file or block device: the existing one, or a new one. The loop device keeps the file
  /// open. Throws if none can be attached.
  func attachLoop(to path: String) async throws(HostError) -> String
  /// Returns the loop device on a file or block device. Nil if there is none. Throws the error of the lookup.
  func findLoop(on path: String) async throws(HostError) -> String?
  /// Detaches a loop device. Throws the error of the system call.
  func detachLoop(_ device: String) async throws(HostError)
}

/// The kind of entry at a path.
public enum BlockEntry: Hashable, Sendable {
  /// Nothing is at the path.
  case missing
  /// A device, or a file with a device bound to it.
  case device
  /// A symbolic link.
  case link
  /// A file or a directory.
  case other
}
