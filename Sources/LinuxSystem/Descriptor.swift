internal import Glibc

/// A file descriptor with one owner. It is closed when the owner releases it.
package struct Descriptor: ~Copyable, Sendable {
  /// The descriptor number, for a system call made while this value is alive.
  package let rawValue: Int32

  /// Takes ownership of an open descriptor. No other code may close it.
  package init(adopting rawValue: Int32) { self.rawValue = rawValue }

  deinit { Glibc.close(rawValue) }

  /// Gives up ownership. The caller closes the descriptor.
  package consuming func release() -> Int32 {
    let number = rawValue
    discard self
    return number
  }
}

extension Descriptor {
  /// Opens a file, open(2), with `O_CLOEXEC` added. Can block on devices and remote file systems.
  ///
  /// `mode` applies to a file that the call creates. The umask reduces it.
  ///
  /// - Throws: the error of open(2).
  package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
    let number = try retryingInterrupts("open", path) { Glibc.open(path, flags | O_CLOEXEC, mode_t(mode)) }
    return Descriptor(adopting: number)
  }

  /// Reads up to `count` bytes at the current position. Returns an empty array at the end of the file. Blocks.
  func read(upTo count: Int, subject: @autoclosure () -> String) throws(SystemError) -> [UInt8] {
    var failure = Errno(rawValue: 0)
    let number = rawValue
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      var result = Glibc.read(number, buffer.baseAddress, count)
      while result < 0, Errno.current == .interrupted { result = Glibc.read(number, buffer.baseAddress, count) }
      if result < 0 { failure = .current }
      length = max(result, 0)
    }
    guard failure.rawValue == 0 else { throw SystemError(operation: "read", subject: subject(), errno: failure) }
    return bytes
  }

  /// Writes all bytes at the current position. Blocks.
  func writeAll(_ bytes: [UInt8], subject: @autoclosure () -> String) throws(SystemError) {
    var written = 0
    while written < bytes.count {
      let number = rawValue
      let count = try retryingInterrupts("write", subject()) {
        bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: written), $0.count - written) }
      }
      written += count
    }
  }

  /// Flushes the file, fsync(2). Blocks until the device has the data.
  func sync(subject: @autoclosure () -> String) throws(SystemError) {
    let number = rawValue
    try retryingInterrupts("fsync", subject()) { Glibc.fsync(number) }
  }

  /// Returns the file's status, fstat(2).
  func status(subject: @autoclosure () -> String) throws(SystemError) -> stat {
    var result = stat()
    let number = rawValue
    try retryingInterrupts("stat", subject()) { fstat(number, &result) }
    return result
  }
}
