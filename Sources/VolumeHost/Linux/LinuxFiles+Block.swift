internal import Glibc
internal import LinuxSystem

extension LinuxFiles: BlockFiles {
  /// Returns what is at a path, lstat(2).
  ///
  /// - Throws: the error of lstat(2) except `ENOENT`.
  public func kind(of path: String) async throws(HostError) -> BlockEntry {
    try await run { () throws(HostError) in
      var status = stat()
      guard lstat(path, &status) == 0 else {
        if errno == ENOENT { return .missing }
        throw HostError("stat", path, code: errno)
      }
      switch status.st_mode & S_IFMT {
      case S_IFBLK, S_IFCHR: return .device
      case S_IFLNK: return .link
      default: return .other
      }
    }
  }

  /// Creates a symbolic link, symlink(2).
  ///
  /// - Throws: the error of symlink(2), `EEXIST` if something is there.
  public func makeLink(at path: String, to target: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if symlink(target, path) != 0 { throw HostError("symlink", path, code: errno) }
    }
  }

  /// Creates a file, open(2) with `O_CREAT`. Does not follow links.
  ///
  /// - Throws: the error of open(2).
  public func makeFile(_ path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o750)
      guard number >= 0 else { throw HostError("create", path, code: errno) }
      close(number)
    }
  }

  /// Removes a file, unlink(2). Succeeds if it does not exist.
  ///
  /// - Throws: the error of unlink(2), `EBUSY` if it is a mount point.
  public func removeFile(at path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if unlink(path) != 0, errno != ENOENT { throw HostError("remove", path, code: errno) }
    }
  }

  /// Returns the sorted names in a directory. Empty if it does not exist.
  ///
  /// - Throws: the error of open(2) or readdir(3).
  public func names(in path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in Files.exists(path) ? try Files.list(path).sorted() : [] }
  }

  /// Returns a loop device on a file or block device: the existing one, or a new one as from `losetup -f --show`.
  ///
  /// - Throws: the error of the system call, `EBUSY` if others take every free device.
  public func attachLoop(to path: String) async throws(HostError) -> String {
    try await system { () throws(SystemError) in try LoopDevice.attach(image: path) }
  }

  /// Returns the loop device on a file or block device, as `losetup -j` does. Nil if there is none.
  ///
  /// - Throws: the error of the system call.
  public func findLoop(on path: String) async throws(HostError) -> String? {
    try await system { () throws(SystemError) in try LoopDevice.find(image: path) }
  }

  /// Detaches a loop device, as `losetup -d` does.
  ///
  /// - Throws: the error of the system call.
  public func detachLoop(_ device: String) async throws(HostError) {
    try await system { () throws(SystemError) in try LoopDevice.detach(device) }
  }
}
