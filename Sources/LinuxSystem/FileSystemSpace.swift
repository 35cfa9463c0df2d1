internal import Glibc
package import StorageModel

/// The room in a file system, statvfs(3).
package struct FileSystemSpace: Hashable, Sendable {
  /// The size of the file system as it counts its data blocks.
  package let capacity: ByteCount
  /// What an unprivileged process may still write: `f_frsize` × `f_bavail`.
  package let available: ByteCount
  /// What is unused, root's reserve included: `f_frsize` × `f_bfree`.
  package let free: ByteCount
  /// The number of inodes; 0 for file systems that make them as needed (btrfs).
  package let inodes: UInt64
  /// The number of unused inodes.
  package let freeInodes: UInt64

  /// What is in use: capacity less free.
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
