internal import Glibc

extension Files {
  /// Creates a directory with exactly `mode`, whatever the umask. Succeeds if the directory exists, and keeps its mode.
  ///
  /// - Throws: `EEXIST` if the name belongs to anything else, such as a symbolic link; otherwise the error of mkdir(2)
  ///   or fchmod(2).
  package static func makeDirectory(_ path: String, mode: UInt32) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("make directory", path) { mkdir(path, mode_t(mode)) }
    } catch {
      guard error.errno == .exists, try kind(of: path) == .directory else { throw error }
      return
    }
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let number = directory.rawValue
    try retryingInterrupts("chmod", path) { fchmod(number, mode_t(mode)) }
  }

  /// Creates a directory and its missing parents, each with exactly `mode`. Only for our own paths: symbolic links
  /// above the last component are followed.
  ///
  /// - Throws: the errors of ``makeDirectory(_:mode:)``.
  package static func makeDirectories(_ path: String, mode: UInt32) throws(SystemError) {
    var status = stat()
    if stat(path, &status) == 0, FileKind(status) == .directory { return }
    let above = parent(of: path)
    if above != path, above != "." { try makeDirectories(above, mode: mode) }
    try makeDirectory(path, mode: mode)
  }

  /// Removes an empty directory, rmdir(2). Succeeds if it does not exist.
  ///
  /// - Throws: `ENOTEMPTY` if the directory has entries, `EBUSY` if it is a mount point; otherwise the error of
  ///   rmdir(2).
  package static func removeDirectory(_ path: String) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("remove directory", path) { rmdir(path) }
    } catch {
      guard error.errno == .noEntry else { throw error }
    }
  }

  /// Returns the sorted names in a directory, without `.` and `..`. Invalid UTF-8 is replaced.
  ///
  /// - Throws: the error of open(2) or readdir(3).
  package static func list(_ path: String) throws(SystemError) -> [String] {
    let directory = try DirectoryStream(Descriptor.open(path, O_RDONLY | O_DIRECTORY), subject: path)
    var names: [String] = []
    while let name = try directory.next() { names.append(name.text) }
    return names.sorted()
  }
}
