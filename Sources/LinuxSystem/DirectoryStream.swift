internal import Glibc

/// The name of a directory entry, in the bytes the kernel gave: names need not be UTF-8.
struct EntryName {
  /// NUL-terminated.
  let bytes: [CChar]

  /// Whether this is `.` or `..`.
  var isDots: Bool { bytes == [0x2e, 0] || bytes == [0x2e, 0x2e, 0] }

  /// For people.
  var text: String { bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" } }
}

/// An open directory, readdir(3), closed with its owner.
struct DirectoryStream: ~Copyable {
  private let stream: OpaquePointer
  private let subject: String

  /// Takes over a descriptor opened with `O_RDONLY | O_DIRECTORY`.
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

  /// For calls relative to this directory.
  var descriptor: Int32 { dirfd(stream) }

  /// Begins again, and sees entries made or gone meanwhile.
  func rewind() { rewinddir(stream) }

  /// The next entry besides `.` and `..`; nil at the end.
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
    // The name may be longer than the field that `dirent` declares: address it, do not copy the structure.
    let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
    return EntryName(bytes: Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1)))
  }
}
