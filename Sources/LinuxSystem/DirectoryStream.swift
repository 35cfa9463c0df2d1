internal import Glibc

/// The name of a directory entry in the kernel's bytes. Names need not be UTF-8.
struct EntryName {
  /// The name with its terminating NUL.
  let bytes: [CChar]

  /// Whether this is `.` or `..`.
  var isDots: Bool { bytes == [0x2e, 0] || bytes == [0x2e, 0x2e, 0] }

  /// The name for messages. Invalid UTF-8 is replaced.
  var text: String { bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" } }
}

/// An open directory, readdir(3). Closed with its owner.
struct DirectoryStream: ~Copyable {
  private let stream: OpaquePointer
  private let subject: String

  /// Takes ownership of a descriptor opened with `O_RDONLY | O_DIRECTORY`.
  ///
  /// - Throws: the error of fdopendir(3). The descriptor is closed then.
  init(_ descriptor: consuming Descriptor, subject: String) throws(SystemError) {
    let number = descriptor.release()
    guard let stream = fdopendir(number) else {
      let reason = Errno.current
      close(number)
      throw SystemError(operation: "open directory", subject: subject, errno: reason)
    }
    self.stream = stream
    self.subject = subject
  }

  deinit { closedir(stream) }

  /// The descriptor, for calls relative to this directory.
  var descriptor: Int32 { dirfd(stream) }

  /// Starts again at the first entry, rewinddir(3), so that entries created or removed since are seen.
  func rewind() { rewinddir(stream) }

  /// Returns the next entry except `.` and `..`. Nil at the end.
  ///
  /// - Throws: the error of readdir(3).
  func next() throws(SystemError) -> EntryName? {
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        let reason = Errno.current
        guard reason.rawValue == 0 else {
          throw SystemError(operation: "read directory", subject: subject, errno: reason)
        }
        return nil
      }
      let name = Self.name(of: entry)
      if !name.isDots { return name }
    }
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> EntryName {
    // The name can be longer than the field that `dirent` declares. So address the field and do not copy the structure.
    let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
    return EntryName(bytes: Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1)))
  }
}
