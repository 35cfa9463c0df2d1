internal import Glibc
internal import Synchronization

/// Small files and directories of ours. Everything here blocks for as long as the file system does.
package enum Files {
  /// The content of a file of up to `limit` bytes; a larger one is `EFBIG`. Follows symbolic links.
  ///
  /// Reads to the end and believes no size, so it works in /proc and /sys.
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

  /// The content of a file of up to 1 MiB as text; invalid UTF-8 is replaced.
  package static func readText(_ path: String) throws(SystemError) -> String {
    String(decoding: try readAll(path), as: UTF8.self)
  }

  /// The real absolute path without links, `.` and `..`, realpath(3). All of it must exist.
  package static func realPath(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw SystemError(operation: "resolve", subject: path, errno: .current)
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The room in the file system that holds `path`, statvfs(3).
  package static func space(at path: String) throws(SystemError) -> FileSystemSpace {
    var status = statvfs()
    try retryingInterrupts("statvfs", path) { statvfs(path, &status) }
    return FileSystemSpace(status)
  }
}

extension Files {
  /// Whether something has that name, be it a dangling symbolic link. False also when it can not be known.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// What a path names, lstat(2): a symbolic link is not followed. Nil when nothing has that name.
  package static func kind(of path: String) throws(SystemError) -> FileKind? {
    try status(of: path).map { FileKind($0) }
  }

  /// Which file has a name, lstat(2); nil when none has.
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
  /// The directory part of a path: `/a` of `/a/b`, `/` of `/b`, `.` of `b`.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// What follows the last slash.
  static func lastComponent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// `name` in `directory`, without doubling the slash of the root directory.
  static func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }
}
