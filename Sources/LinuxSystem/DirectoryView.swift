internal import Glibc

/// The directory that a path shows, and the restrictions of its mount.
///
/// Two processes with the same view of a path see the same directory there, in whatever mount namespaces they are. So
/// no mount table has to be compared. If only one of them has a mount on the directory, the file system or the inode
/// differs.
package struct DirectoryView: Hashable, Sendable {
  /// `st_dev` of stat(2).
  package let device: DeviceNumber
  /// `st_ino` of stat(2).
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
  /// `253:4:2:6`: device, inode, restrictions. The wire protocol compares it byte by byte, see docs/wire.md.
  package var description: String { "\(device):\(inode):\(restrictions)" }
}

extension MountTarget {
  /// Returns the view of the opened directory. Does not read the disk: the inode of a mounted directory is in memory.
  ///
  /// - Throws: the error of fstat(2) or fstatvfs(3).
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
