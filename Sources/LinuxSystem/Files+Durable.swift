internal import Glibc
internal import Synchronization

/// Writing so that a crash at any instruction leaves the old content or the new one, never a mixture.
extension Files {
  /// Replaces the content of a file, and returns when the device has it: written to a temporary file in the same
  /// directory, fsync, rename, fsync of the directory.
  ///
  /// The file gets exactly `mode`, whatever the umask. An error leaves the old file as it was. A crash may leave a
  /// temporary file behind, see `removeTemporaries(in:)`.
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

  /// Removes a file and returns when its removal is on the device. No such file is success.
  package static func removeDurably(_ path: String) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("remove", path) { unlink(path) }
    } catch {
      guard error.errno == .noEntry else { throw error }
      return
    }
    try syncDirectory(parent(of: path))
  }

  /// Removes what writers killed in the middle of `writeDurably` left in a directory. Only while nobody writes there.
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

  /// A name that no other file of the directory has: process number, time and a running number. The time tells a new
  /// process from a crashed one with the same number, which is the rule in a container, where that number is 1.
  static func temporaryName() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let count = sequence.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(temporaryPrefix)\(getpid())-\(now.tv_sec)\(now.tv_nsec)-\(count)\(temporarySuffix)"
  }
}
