internal import Glibc

/// What of a file's state differs once it was written or replaced: inode, size, and the times of both kinds of change.
package struct FileStamp: Hashable, Sendable {
  private let inode: UInt64
  private let size: Int64
  private let changes: [Int64]

  /// The stamp of what a path leads to, stat(2), symbolic links followed; nil when nothing does, or it cannot be told.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    changes = [status.st_mtim, status.st_ctim].flatMap { [Int64($0.tv_sec), Int64($0.tv_nsec)] }
  }
}
