internal import Glibc
internal import Synchronization

/// Durable writes: a crash at any instruction leaves the old content or the new content, never a mixture.
extension Files {
  /// Replaces the content of a file. Blocks until the device has it: write to a temporary file in the same directory,
  /// fsync, rename, fsync of the directory.
  ///
  /// The file gets exactly `mode`, whatever the umask. A crash can leave a temporary file behind, see
  /// `removeTemporaries(in:)`.
  ///
  /// - Throws: the error of the step that failed. If a step up to the rename fails, the old file is unchanged.
  package static func writeDurably(
    _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600
  ) throws(SystemError) {
    let directory = parent(of: path)
    let temporary = join(directory, temporaryName())
    do throws(SystemError) {
      try writeNew(bytes, to: temporary, mode: mode)
      try retryingInterrupts("rename", path) { Glibc.rename(temporary, path) }
    } catch {
      unlink(temporary)
      throw error
    }
    try syncDirectory(directory)
  }

  /// Removes a file. Blocks until the removal is on the device. Succeeds if the file does not exist.
  ///
  /// - Throws: the error of unlink(2) or fsync(2).
  package static func removeDurably(_ path: String) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("remove", path) { unlink(path) }
    } catch {
      guard error.errno == .noEntry else { throw error }
      return
    }
    try syncDirectory(parent(of: path))
  }

  /// Removes the temporary files of writers that were killed during `writeDurably`. Call it only while nobody writes to
  /// the directory.
  ///
  /// - Throws: the error of the listing or of a removal.
  package static func removeTemporaries(in directory: String) throws(SystemError) {
    for name in try list(directory) where name.hasPrefix(temporaryPrefix) && name.hasSuffix(temporarySuffix) {
      try removeDurably(join(directory, name))
    }
  }

  private static func writeNew(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    let number = file.rawValue
    try retryingInterrupts("chmod", path) { fchmod(number, mode_t(mode)) }
    try file.writeAll(bytes, subject: path)
    try file.sync(subject: path)
  }

  static func syncDirectory(_ path: String) throws(SystemError) {
    try Descriptor.open(path, O_RDONLY | O_DIRECTORY).sync(subject: path)
  }
}

extension Files {
  private static let temporaryPrefix = ".elastic-local-"
  private static let temporarySuffix = ".tmp"
  private static let sequence = Atomic<UInt64>(0)

  /// Returns a name that no other file of the directory has: process ID, time and a counter. The time tells a new
  /// process from a crashed one with the same ID. In a container both usually have ID 1.
  static func temporaryName() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let count = sequence.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(temporaryPrefix)\(getpid())-\(now.tv_sec)\(now.tv_nsec)-\(count)\(temporarySuffix)"
  }
}
