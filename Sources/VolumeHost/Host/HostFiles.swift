/// The operations on the node's file system that volumes need: real ones, or simulated ones in a test.
///
/// Each operation suspends its caller as long as a mount or a `mkfs` takes. An implementation blocks only threads of
/// its own. Each throws a `HostError` if the file system rejects the operation.
public protocol HostFiles: Sendable {
  /// Returns what is at a path. With `recognisingBinds`, a bind mount within one file system counts as a mount point,
  /// and a mount whose server died is no error. Without it, only the device numbers of the directory and its parent are
  /// compared. Throws the error of stat(2), except if nothing is there.
  func state(of path: String, recognisingBinds: Bool) async throws(HostError) -> DirectoryState
  /// Creates a directory and its missing parents with mode 0750. Succeeds if it exists. Throws `EEXIST` if something
  /// else has the name.
  func makeDirectory(_ path: String) async throws(HostError)
  /// Removes an empty directory, rmdir(2). Succeeds if it does not exist. Throws `ENOTEMPTY` if it has entries, `EBUSY`
  /// if it is a mount point.
  func removeDirectory(_ path: String) async throws(HostError)
  /// Returns the sorted names of the directories in a directory, without links to directories. Empty if the directory
  /// does not exist. Throws the error of reading it.
  func directories(in path: String) async throws(HostError) -> [String]
  /// Bind-mounts a directory, as `mount -t auto -o bind` does. Throws the error of the mount.
  func bind(_ source: String, to path: String) async throws(HostError)
  /// Unmounts the topmost mount, as `umount` does. Throws the error of the unmount, also if nothing is mounted.
  func unmount(_ path: String) async throws(HostError)
  /// Formats a device if it is proven blank, and mounts it. Throws if the device holds anything but a file system, is
  /// blank for a read-only mount, or a step fails.
  func formatAndMount(_ device: String, at path: String, fsType: String, readOnly: Bool) async throws(HostError)
  /// Grows the file system of a device to the device's size. Throws if its type cannot grow or the growth fails.
  func growFileSystem(on device: String, mountedAt path: String) async throws(HostError)
  /// Returns the other mount points of the same directory of the same file system. Throws if the mount table cannot be
  /// read.
  func otherMounts(of path: String) async throws(HostError) -> [String]
  /// Returns whether a device is held open exclusively.
  func isHeld(_ device: String) async -> Bool
  /// Gives the files below a directory to a group. Throws if a directory cannot be read.
  func setOwnership(of path: String, _ ownership: VolumeOwnership) async throws(HostError)
  /// Returns the figures of the file system at a path, statfs(2). Throws the error of the call.
  func space(at path: String) async throws(HostError) -> SpaceUsage
}

/// The state of a path.
public enum DirectoryState: Hashable, Sendable {
  /// Nothing is at the path.
  case missing
  /// A directory that is no mount point.
  case plain
  /// A directory with something mounted on it.
  case mountPoint
}

/// The size of a file system in bytes and inodes.
public struct SpaceUsage: Hashable, Sendable {
  /// The size in bytes: `f_blocks` × the block size.
  public var capacity: Int64
  /// The bytes available to unprivileged processes: `f_bavail` × the block size.
  public var available: Int64
  /// The used bytes: (`f_blocks` − `f_bfree`) × the block size.
  public var used: Int64
  /// The number of inodes: `f_files`.
  public var inodes: Int64
  /// The number of unused inodes: `f_ffree`.
  public var inodesFree: Int64
  /// The number of used inodes.
  public var inodesUsed: Int64 { inodes - inodesFree }

  /// Creates figures from their parts.
  public init(capacity: Int64, available: Int64, used: Int64, inodes: Int64, inodesFree: Int64) {
    self.capacity = capacity
    self.available = available
    self.used = used
    self.inodes = inodes
    self.inodesFree = inodesFree
  }
}
