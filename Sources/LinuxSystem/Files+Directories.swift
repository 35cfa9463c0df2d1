internal import Glibc

extension Files {
  /// Makes a directory with exactly `mode`, whatever the umask. One that exists is success, and keeps its mode;
  /// anything else of that name, a symbolic link included, is `EEXIST`.
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

  /// Makes a directory and those above it that are missing, each with exactly `mode`. For our own paths only:
  /// symbolic links above the last component are followed.
  package static func makeDirectories(_ path: String, mode: UInt32) throws(SystemError) {
    var status = stat()
    if stat(path, &status) == 0, FileKind(status) == .directory { return }
    let above = parent(of: path)
    if above != path, above != "." { try makeDirectories(above, mode: mode) }
    try makeDirectory(path, mode: mode)
  }

  /// Removes an empty directory, rmdir(2). No such directory is success; a full one is `ENOTEMPTY`, a mount point
  /// `EBUSY`.
  package static func removeDirectory(_ path: String) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("remove directory", path) { rmdir(path) }
    } catch {
      guard error.errno == .noEntry else { throw error }
    }
  }

  /// The names in a directory, sorted, without `.` and `..`. Names that are not UTF-8 come out repaired.
  package static func list(_ path: String) throws(SystemError) -> [String] {
    let directory = try DirectoryStream(Descriptor.open(path, O_RDONLY | O_DIRECTORY), subject: path)
    var names: [String] = []
    while let name = try directory.next() { names.append(name.text) }
    return names.sorted()
  }
}
