internal import Glibc

/// The parts of a file's status that change when the file is written or replaced: inode, size, `st_mtim` and `st_ctim`.
package struct FileStamp: Hashable, Sendable {
  private let inode: UInt64
  private let size: Int64
  private let changes: [Int64]

  /// Returns the stamp of the file at a path, stat(2). Follows symbolic links. Nil if there is no file or stat(2)
  /// fails.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    changes = [status.st_mtim, status.st_ctim].flatMap { [Int64($0.tv_sec), Int64($0.tv_nsec)] }
  }
}
