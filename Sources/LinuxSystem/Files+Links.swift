internal import Glibc

/// Names rather than contents.
extension Files {
  /// Where a symbolic link points, readlink(2); nil when the path is none or can not be read. Works for the links of
  /// /proc, which name no file.
  package static func linkTarget(_ path: String) -> String? { try? readLink(path) }

  /// The same, with the reason why it can not be read.
  package static func readLink(_ path: String) throws(SystemError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = readlink(path, &buffer, buffer.count)
    guard length >= 0 else { throw SystemError(operation: "readlink", subject: path, errno: .current) }
    return String(decoding: buffer[..<length], as: UTF8.self)
  }

  /// Makes `path` a symbolic link to `target`, replacing a link that was there in one step. Anything else of that name
  /// is `EEXIST`.
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

  /// Renames within a file system and returns when both directories are on the device. Replaces what `target` names.
  package static func rename(_ path: String, to target: String) throws(SystemError) {
    try retryingInterrupts("rename", path) { Glibc.rename(path, target) }
    try syncDirectory(parent(of: target))
    if parent(of: path) != parent(of: target) { try syncDirectory(parent(of: path)) }
  }
}
