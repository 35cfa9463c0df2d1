internal import Glibc
internal import Synchronization

/// Small files and directories of ours. Every function blocks until the file system answers.
package enum Files {
  /// Returns the content of a file. Follows symbolic links.
  ///
  /// Reads to the end and does not rely on the size in stat(2). So it works in /proc and /sys.
  ///
  /// - Throws: `EFBIG` if the file has more than `limit` bytes; otherwise the error of open(2) or read(2).
  package static func readAll(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    while true {
      let chunk = try file.read(upTo: min(limit + 1 - bytes.count, 1 << 16), subject: path)
      if chunk.isEmpty { return bytes }
      bytes += chunk
      if bytes.count > limit { throw SystemError(operation: "read", subject: path, errno: .fileTooLarge) }
    }
  }

  /// Returns the content of a file as text. Invalid UTF-8 is replaced.
  ///
  /// - Throws: `EFBIG` if the file is larger than 1 MiB; otherwise the error of open(2) or read(2).
  package static func readText(_ path: String) throws(SystemError) -> String {
    String(decoding: try readAll(path), as: UTF8.self)
  }

  /// Returns the absolute path without links, `.` and `..`, realpath(3).
  ///
  /// - Throws: `ENOENT` if a component does not exist; otherwise the error of realpath(3).
  package static func realPath(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw SystemError(operation: "resolve", subject: path, errno: .current)
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Returns the space of the file system that holds `path`, statvfs(3).
  ///
  /// - Throws: the error of statvfs(3).
  package static func space(at path: String) throws(SystemError) -> FileSystemSpace {
    var status = statvfs()
    try retryingInterrupts("statvfs", path) { statvfs(path, &status) }
    return FileSystemSpace(status)
  }
}

extension Files {
  /// Returns whether the name exists, also as a dangling symbolic link. Also false if lstat(2) fails.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Returns the kind of file at a path, lstat(2): a symbolic link is not followed. Nil if the name does not exist.
  ///
  /// - Throws: the error of lstat(2) except `ENOENT`.
  package static func kind(of path: String) throws(SystemError) -> FileKind? {
    try status(of: path).map { FileKind($0) }
  }

  /// Returns the identity of the file at a path, lstat(2). Nil if the name does not exist.
  ///
  /// - Throws: the error of lstat(2) except `ENOENT`.
  package static func identity(of path: String) throws(SystemError) -> FileIdentity? {
    try status(of: path).map { FileIdentity(device: UInt64($0.st_dev), inode: UInt64($0.st_ino)) }
  }

  static func status(of path: String) throws(SystemError) -> stat? {
    var status = stat()
    do throws(SystemError) {
      try retryingInterrupts("stat", path) { lstat(path, &status) }
    } catch {
      guard error.errno == .noEntry else { throw error }
      return nil
    }
    return status
  }
}

extension Files {
  /// Returns the directory part of a path: `/a` of `/a/b`, `/` of `/b`, `.` of `b`.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Returns the part after the last slash.
  static func lastComponent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// Returns `name` in `directory`, without a double slash for the root directory.
  static func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }
}
