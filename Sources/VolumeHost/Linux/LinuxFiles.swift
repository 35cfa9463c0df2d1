internal import Glibc
internal import LinuxSystem
internal import StorageModel

/// The real file system of this node. All operations except reads need root.
///
/// Every call waits on its own thread, so a mount whose server is away blocks no other call.
public struct LinuxFiles: HostFiles {
  private let pool: WorkerPool
  private let tools: FileSystemTools

  /// Looks up the programs that make and grow file systems. `concurrency` is the most calls at a time.
  public init(concurrency: Int = 64) {
    // A walk recurses into each level of a pod's directories.
    pool = WorkerPool(name: "volume-host", limit: concurrency, stackSize: 8 << 20)
    tools = FileSystemTools()
  }

  /// Returns what is at a path. A symbolic link is not followed.
  ///
  /// - Throws: the error of lstat(2) except `ENOENT`.
  public func state(of path: String, recognisingBinds: Bool) async throws(HostError) -> DirectoryState {
    try await run { () throws(HostError) in try Self.state(of: path, recognisingBinds) }
  }

  /// Creates a directory and its missing parents with mode 0750.
  ///
  /// - Throws: the error of the system call, `EEXIST` if something else has the name.
  public func makeDirectory(_ path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Files.makeDirectories(path, mode: 0o750) }
  }

  /// Removes an empty directory, rmdir(2). Succeeds if it does not exist.
  ///
  /// - Throws: the error of rmdir(2), such as `ENOTEMPTY` or `EBUSY`.
  public func removeDirectory(_ path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if rmdir(path) != 0, errno != ENOENT { throw HostError("remove", path, code: errno) }
    }
  }

  /// Returns the sorted names of the directories in a directory. Empty if it does not exist.
  ///
  /// - Throws: the error of lstat(2), open(2) or readdir(3).
  public func directories(in path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in
      guard try Files.kind(of: path) == .directory else { return [] }
      return try Files.list(path).filter { (try? Files.kind(of: "\(path)/\($0)")) == .directory }
    }
  }

  /// Bind-mounts a directory.
  ///
  /// - Throws: the error of mount(2).
  public func bind(_ source: String, to path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Mounting.bind(from: source, toPath: path, readOnly: false) }
  }

  /// Unmounts the topmost mount of a directory.
  ///
  /// - Throws: the error of umount2(2), `EINVAL` if nothing is mounted, `EBUSY` if it is in use.
  public func unmount(_ path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Mounting.unmount(path) }
  }

  /// Returns the other mount points of the same directory of the same file system.
  ///
  /// - Throws: an error if the mount table cannot be read.
  public func otherMounts(of path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in
      let table = try MountTable.current()
      let path = Self.withoutLinks(path)
      guard let mount = table.at(path).last else { return [] }
      return table.entries.filter { $0.device == mount.device && $0.root == mount.root && $0.mountPoint != path }
        .map(\.mountPoint)
    }
  }

  /// Returns whether a block device is held open exclusively: mounted, or used by another device.
  public func isHeld(_ device: String) async -> Bool {
    await pool.run {
      guard (try? Files.kind(of: device)) != nil else { return false }
      return (try? BlockDevice.isHeldElsewhere(device)) ?? false
    }
  }

  /// Gives the files below a directory to a group, see `VolumeOwnership`.
  ///
  /// - Throws: a `HostError` if a directory cannot be read or the tree is too deep.
  public func setOwnership(of path: String, _ ownership: VolumeOwnership) async throws(HostError) {
    try await run { () throws(HostError) in _ = try OwnershipWalk(ownership: ownership).run(path) }
  }

  /// Returns the figures of the file system at a path, statvfs(3).
  ///
  /// - Throws: the error of statvfs(3).
  public func space(at path: String) async throws(HostError) -> SpaceUsage {
    try await system { () throws(SystemError) in
      let space = try Files.space(at: path)
      return SpaceUsage(
        capacity: Int64(clamping: space.capacity.bytes), available: Int64(clamping: space.available.bytes),
        used: Int64(clamping: space.used.bytes), inodes: Int64(clamping: space.inodes),
        inodesFree: Int64(clamping: space.freeInodes))
    }
  }
}

extension LinuxFiles {
  func run<T: Sendable>(
    _ body: @escaping @Sendable () throws(HostError) -> T
  ) async throws(HostError) -> T { try await pool.run(body) }

  func system<T: Sendable>(
    _ body: @escaping @Sendable () throws(SystemError) -> T
  ) async throws(HostError) -> T {
    do throws(SystemError) { return try await pool.run(body) } catch { throw HostError(error) }
  }

  /// Runs a program on a device.
  func tool(
    _ device: String, _ body: @escaping @Sendable (FileSystemTools) throws(ToolError) -> Void
  ) async throws(HostError) {
    let tools = tools
    do throws(ToolError) {
      try await pool.run { () throws(ToolError) in try body(tools) }
    } catch {
      throw HostError("run a program on", device, reason: "\(error)")
    }
  }

  private static func state(of path: String, _ recognisingBinds: Bool) throws(HostError) -> DirectoryState {
    // The mount table also has mounts whose server has died, where lstat(2) fails.
    if recognisingBinds, let table = try? MountTable.current(), !table.at(withoutLinks(path)).isEmpty {
      return .mountPoint
    }
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return .missing }
      throw HostError("stat", path, code: errno)
    }
    var above = stat()
    guard lstat(path + "/..", &above) == 0 else { throw HostError("stat", path + "/..", code: errno) }
    return status.st_dev == above.st_dev ? .plain : .mountPoint
  }

  /// Returns a path as in the mount table. Links above the path are followed, because a kubelet's root directory can be
  /// a link. The path itself is not accessed, because its server may have died.
  private static func withoutLinks(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex,
      let above = try? Files.realPath(String(path[..<slash]))
    else { return path }
    return (above == "/" ? "" : above) + path[slash...]
  }
}

extension HostError {
  init(_ error: SystemError) { self.init(error.operation, error.subject, code: error.errno.rawValue) }
}
