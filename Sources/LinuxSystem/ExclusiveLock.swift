internal import Glibc

/// A lock file that one process at a time holds, flock(2). Given back when this value or the process ends, however it
/// ends. The file stays: removing it would let two processes hold two files of one name.
package struct ExclusiveLock: ~Copyable, Sendable {
  private let file: Descriptor

  /// Takes the lock and writes the process number into the file, or fails with `EWOULDBLOCK` when somebody else,
  /// of this process too, holds it. Does not wait.
  package static func acquire(_ path: String) throws(SystemError) -> ExclusiveLock {
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    let number = file.rawValue
    try retryingInterrupts("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
    try retryingInterrupts("truncate", path) { ftruncate(number, 0) }
    try file.writeAll(Array("\(getpid())\n".utf8), subject: path)
    return ExclusiveLock(file: file)
  }

  /// Whether somebody holds the lock of that file, shared or not. No such file is nobody's. Does not wait, and makes no file.
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

  /// The process number in a lock file, for messages; nil when there is none.
  package static func holder(_ path: String) -> Int32? {
    // Whoever can not be named is not: the lock itself decides, not this.
    guard let text = try? Files.readText(path) else { return nil }
    return text.split(separator: "\n").first.flatMap { Int32($0) }
  }
}
