internal import Glibc
package import StorageModel

/// The space and inodes of a file system, statvfs(3).
package struct FileSystemSpace: Hashable, Sendable {
  /// The size that the file system reports for its data blocks: `f_frsize` × `f_blocks`.
  package let capacity: ByteCount
  /// The space that an unprivileged process can still write: `f_frsize` × `f_bavail`.
  package let available: ByteCount
  /// The unused space, including root's reserve: `f_frsize` × `f_bfree`.
  package let free: ByteCount
  /// The number of inodes. 0 for file systems that create them as needed (btrfs).
  package let inodes: UInt64
  /// The number of unused inodes.
  package let freeInodes: UInt64

  /// The used space: capacity minus free.
  package var used: ByteCount { capacity - free }

  init(_ status: statvfs) {
    let unit = UInt64(status.f_frsize)
    capacity = ByteCount(unit * UInt64(status.f_blocks))
    available = ByteCount(unit * UInt64(status.f_bavail))
    free = ByteCount(unit * UInt64(status.f_bfree))
    inodes = UInt64(status.f_files)
    freeInodes = UInt64(status.f_ffree)
  }
}
