internal import Glibc

/// A lock on a file, flock(2), held by one process at a time. It is released when this value or the process ends,
/// however the process ends. The file stays: if it were removed, two processes could hold two files of one name.
package struct ExclusiveLock: ~Copyable, Sendable {
  private let file: Descriptor

  /// Takes the lock and writes the process ID into the file. Does not wait.
  ///
  /// - Throws: `EWOULDBLOCK` if the lock is held, also by this process; otherwise the error of open(2), flock(2) or the
  ///   write.
  package static func acquire(_ path: String) throws(SystemError) -> ExclusiveLock {
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    let number = file.rawValue
    try retryingInterrupts("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
    try retryingInterrupts("truncate", path) { ftruncate(number, 0) }
    try file.writeAll(Array("\(getpid())\n".utf8), subject: path)
    return ExclusiveLock(file: file)
  }

  /// Returns whether the lock of that file is held, shared or exclusive. False if the file does not exist. Does not
  /// wait and does not create the file.
  ///
  /// - Throws: the error of stat(2), open(2) or flock(2).
  package static func isHeld(_ path: String) throws(SystemError) -> Bool {
    guard try Files.kind(of: path) != nil else { return false }
    do throws(SystemError) {
      let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
      let number = file.rawValue
      try retryingInterrupts("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
      return false
    } catch {
      if error.errno == .noEntry { return false }
      guard error.errno == .wouldBlock else { throw error }
      return true
    }
  }

  /// Returns the process ID in a lock file, for messages. Nil if there is none.
  package static func holder(_ path: String) -> Int32? {
    // A file that cannot be read names no holder. The lock itself decides, not this text.
    guard let text = try? Files.readText(path) else { return nil }
    return text.split(separator: "\n").first.flatMap { Int32($0) }
  }
}
