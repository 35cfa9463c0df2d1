internal import Glibc
package import StorageModel

/// Sparse image files.
extension Files {
  /// What a file takes: its length, and the blocks really allocated.
  package struct Use: Hashable, Sendable {
    package let size: ByteCount
    package let allocated: ByteCount
  }

  /// Length and allocated bytes of a file (stat(2): `st_blocks` counts units of 512 bytes).
  package static func use(of path: String) throws(SystemError) -> Use {
    guard let status = try status(of: path) else {
      throw SystemError(operation: "stat", subject: path, errno: .noEntry)
    }
    return Use(size: ByteCount(UInt64(status.st_size)), allocated: ByteCount(UInt64(status.st_blocks) * 512))
  }

  /// Makes a file of `size` bytes without allocating any, and returns when it is on the device. An existing file is
  /// `EEXIST`; a file that could not be given its size is removed again.
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

  /// Makes a file longer, and returns when that is on the device. A file that is long enough is left as it is: this
  /// never cuts anything off.
  package static func growSparse(_ path: String, to size: ByteCount) throws(SystemError) {
    guard try use(of: path).size < size else { return }
    let file = try Descriptor.open(path, O_WRONLY | O_NOFOLLOW)
    let number = file.rawValue
    try retryingInterrupts("truncate", path) { ftruncate(number, off_t(size.bytes)) }
    try file.sync(subject: path)
  }
}
