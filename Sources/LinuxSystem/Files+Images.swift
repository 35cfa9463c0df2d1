internal import Glibc
package import StorageModel

/// Sparse image files.
extension Files {
  /// The length of a file and the space allocated for it.
  package struct Use: Hashable, Sendable {
    /// The length.
    package let size: ByteCount
    /// The space of the allocated blocks.
    package let allocated: ByteCount
  }

  /// Returns the length and the allocated space of a file. `st_blocks` of stat(2) counts units of 512 bytes.
  ///
  /// - Throws: `ENOENT` if the file does not exist; otherwise the error of lstat(2).
  package static func use(of path: String) throws(SystemError) -> Use {
    guard let status = try status(of: path) else {
      throw SystemError(operation: "stat", subject: path, errno: .noEntry)
    }
    return Use(size: ByteCount(UInt64(status.st_size)), allocated: ByteCount(UInt64(status.st_blocks) * 512))
  }

  /// Creates a file of `size` bytes without allocated blocks. Blocks until it is on the device. If a step fails, the
  /// file is removed.
  ///
  /// - Throws: `EEXIST` if the file exists; otherwise the error of the step that failed.
  package static func makeSparse(_ path: String, size: ByteCount, mode: UInt32) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    let number = file.rawValue
    do throws(SystemError) {
      try retryingInterrupts("chmod", path) { fchmod(number, mode_t(mode)) }
      try retryingInterrupts("truncate", path) { ftruncate(number, off_t(size.bytes)) }
      try file.sync(subject: path)
    } catch {
      unlink(path)
      throw error
    }
    try syncDirectory(parent(of: path))
  }

  /// Makes a file longer. Blocks until the new length is on the device. Does nothing if the file is long enough; never
  /// truncates it.
  ///
  /// - Throws: `ENOENT` if the file does not exist; otherwise the error of the step that failed.
  package static func growSparse(_ path: String, to size: ByteCount) throws(SystemError) {
    guard try use(of: path).size < size else { return }
    let file = try Descriptor.open(path, O_WRONLY | O_NOFOLLOW)
    let number = file.rawValue
    try retryingInterrupts("truncate", path) { ftruncate(number, off_t(size.bytes)) }
    try file.sync(subject: path)
  }
}
