internal import Glibc

/// Which directory a path shows, and what its mount forbids.
///
/// Two processes that get the same view of a path see the same directory there, whatever mount namespaces they are in: no
/// mount table has to be compared. A directory that only one of them has a mount on differs in its file system or inode.
package struct DirectoryView: Hashable, Sendable {
  /// `st_dev` and `st_ino`, stat(2).
  package let device: DeviceNumber
  package let inode: UInt64
  /// `ST_RDONLY`, `ST_NOSUID`, `ST_NODEV` and `ST_NOEXEC` (1, 2, 4, 8) of `f_flag`, statvfs(3).
  package let restrictions: UInt

  package init(device: DeviceNumber, inode: UInt64, restrictions: UInt) {
    self.device = device
    self.inode = inode
    self.restrictions = restrictions & Self.restrictionBits
  }

  private static let restrictionBits: UInt = 0xF
}

extension DirectoryView: CustomStringConvertible {
  /// `253:4:2:6`: device, inode, restrictions. On the wire it is compared byte by byte, see docs/wire.md.
  package var description: String { "\(device):\(inode):\(restrictions)" }
}

extension MountTarget {
  /// What the directory that was opened shows. Does not block on the disk: a mounted directory's inode is in memory.
  package func view() throws(SystemError) -> DirectoryView {
    let number = descriptor.rawValue
    var status = stat()
    try retryingInterrupts("stat", path) { fstat(number, &status) }
    var mount = statvfs()
    try retryingInterrupts("statvfs", path) { fstatvfs(number, &mount) }
    return DirectoryView(
      device: DeviceNumber(rawDevice: UInt64(status.st_dev)), inode: UInt64(status.st_ino),
      restrictions: UInt(mount.f_flag))
  }
}
