internal import Glibc

/// Symbolic links and names.
extension Files {
  /// Returns the target of a symbolic link, readlink(2). Nil if the path is no link or cannot be read. Also works for
  /// the links in /proc that name no file.
  package static func linkTarget(_ path: String) -> String? { try? readLink(path) }

  /// Returns the target of a symbolic link, readlink(2).
  ///
  /// - Throws: `EINVAL` if the path is no link; otherwise the error of readlink(2).
  package static func readLink(_ path: String) throws(SystemError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = readlink(path, &buffer, buffer.count)
    guard length >= 0 else { throw SystemError(operation: "readlink", subject: path, errno: .current) }
    return String(decoding: buffer[..<length], as: UTF8.self)
  }

  /// Makes `path` a symbolic link to `target`. Replaces an existing link in one step.
  ///
  /// - Throws: `EEXIST` if the name belongs to anything but a link; otherwise the error of symlink(2) or rename(2).
  package static func replaceWithSymbolicLink(_ path: String, to target: String) throws(SystemError) {
    if linkTarget(path) == target { return }
    if let kind = try kind(of: path), kind != .symlink {
      throw SystemError(operation: "link", subject: path, errno: .exists)
    }
    let temporary = join(parent(of: path), temporaryName())
    try retryingInterrupts("link", path) { symlink(target, temporary) }
    do throws(SystemError) {
      try retryingInterrupts("rename", path) { Glibc.rename(temporary, path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Renames a file within a file system and replaces the file at `target`. Blocks until both directories are on the
  /// device.
  ///
  /// - Throws: `EXDEV` if the paths are on different file systems; otherwise the error of rename(2) or fsync(2).
  package static func rename(_ path: String, to target: String) throws(SystemError) {
    try retryingInterrupts("rename", path) { Glibc.rename(path, target) }
    try syncDirectory(parent(of: target))
    if parent(of: path) != parent(of: target) { try syncDirectory(parent(of: path)) }
  }
}
