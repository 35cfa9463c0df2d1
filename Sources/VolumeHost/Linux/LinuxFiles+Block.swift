internal import Glibc
internal import LinuxSystem

extension LinuxFiles: BlockFiles {
  /// lstat(2).
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

  /// symlink(2).
  public func makeLink(at path: String, to target: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if symlink(target, path) != 0 { throw HostError("symlink", path, code: errno) }
    }
  }

  /// open(2) with `O_CREAT`, links not followed.
  public func makeFile(_ path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o750)
      guard number >= 0 else { throw HostError("create", path, code: errno) }
      close(number)
    }
  }

  /// unlink(2).
  public func removeFile(at path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if unlink(path) != 0, errno != ENOENT { throw HostError("remove", path, code: errno) }
    }
  }

  /// The names in a directory.
  public func names(in path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in Files.exists(path) ? try Files.list(path).sorted() : [] }
  }

  /// As `losetup -f --show` does, unless there is one.
  public func attachLoop(to path: String) async throws(HostError) -> String {
    try await system { () throws(SystemError) in try LoopDevice.attach(image: path) }
  }

  /// As `losetup -j` does.
  public func findLoop(on path: String) async throws(HostError) -> String? {
    try await system { () throws(SystemError) in try LoopDevice.find(image: path) }
  }

  /// As `losetup -d` does.
  public func detachLoop(_ device: String) async throws(HostError) {
    try await system { () throws(SystemError) in try LoopDevice.detach(device) }
  }
}
