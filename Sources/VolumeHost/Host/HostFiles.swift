/// The node's file system as volumes need it: real, or simulated in a test.
///
/// May block for as long as a mount or a `mkfs` takes; an implementation does that on threads of its own.
public protocol HostFiles: Sendable {
  /// What is at a path. `recognisingBinds` says whether a bind mount within one file system counts as a mount point and a
  /// mount whose server died is no error; without it only the device number of the directory and its parent are compared.
  func state(of path: String, recognisingBinds: Bool) async throws(HostError) -> DirectoryState
  /// Makes a directory and those above it, mode 0750. One that exists is success.
  func makeDirectory(_ path: String) async throws(HostError)
  /// rmdir(2): never removes what is in it. One that does not exist is success.
  func removeDirectory(_ path: String) async throws(HostError)
  /// The names of the directories in a directory, sorted, without links to directories; none for one that does not exist.
  func directories(in path: String) async throws(HostError) -> [String]
  /// `mount -t auto -o bind`.
  func bind(_ source: String, to path: String) async throws(HostError)
  /// `umount`.
  func unmount(_ path: String) async throws(HostError)
  /// Formats a device if it is proven blank, and mounts it.
  func formatAndMount(_ device: String, at path: String, fsType: String, readOnly: Bool) async throws(HostError)
  /// Grows the file system of a device to the device's size.
  func growFileSystem(on device: String, mountedAt path: String) async throws(HostError)
  /// Where else the same file system's same directory is mounted.
  func otherMounts(of path: String) async throws(HostError) -> [String]
  /// Whether something holds a device open.
  func isHeld(_ device: String) async -> Bool
  /// Gives the files below a directory to a group.
  func setOwnership(of path: String, _ ownership: VolumeOwnership) async throws(HostError)
  /// The figures of the file system at a path, by statfs(2).
  func space(at path: String) async throws(HostError) -> SpaceFigures
}

/// What is at a path.
public enum DirectoryState: Hashable, Sendable {
  /// Nothing.
  case missing
  /// A directory like any other.
  case plain
  /// A directory that something is mounted on.
  case mountPoint
}

/// A file system's size in bytes and inodes.
public struct SpaceFigures: Hashable, Sendable {
  /// `f_blocks` × the block size.
  public var capacity: Int64
  /// `f_bavail` × the block size.
  public var available: Int64
  /// (`f_blocks` − `f_bfree`) × the block size.
  public var used: Int64
  /// `f_files`.
  public var inodes: Int64
  /// `f_ffree`.
  public var inodesFree: Int64
  /// The difference.
  public var inodesUsed: Int64 { inodes - inodesFree }

  /// Figures from their parts.
  public init(capacity: Int64, available: Int64, used: Int64, inodes: Int64, inodesFree: Int64) {
    self.capacity = capacity
    self.available = available
    self.used = used
    self.inodes = inodes
    self.inodesFree = inodesFree
  }
}
