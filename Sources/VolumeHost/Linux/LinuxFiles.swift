internal import Glibc
internal import LinuxSystem
internal import StorageModel

/// The real file system of this node. Needs root for everything but looking.
///
/// Every call waits on a thread of its own: a mount whose server is away holds up nothing else.
public struct LinuxFiles: HostFiles {
  private let pool: WorkerPool
  private let tools: FileSystemTools

  /// Looks for the programs that make and grow file systems.
  public init(concurrency: Int = 64) {
    // A walk recurses into each level of a pod's directories.
    pool = WorkerPool(name: "volume-host", limit: concurrency, stackSize: 8 << 20)
    tools = FileSystemTools()
  }

  /// What is at a path, links not followed.
  public func state(of path: String, recognisingBinds: Bool) async throws(HostError) -> DirectoryState {
    try await run { () throws(HostError) in try Self.state(of: path, recognisingBinds) }
  }

  /// Makes a directory and those above it, mode 0750.
  public func makeDirectory(_ path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Files.makeDirectories(path, mode: 0o750) }
  }

  /// rmdir(2).
  public func removeDirectory(_ path: String) async throws(HostError) {
    try await run { () throws(HostError) in
      if rmdir(path) != 0, errno != ENOENT { throw HostError("remove", path, code: errno) }
    }
  }

  /// The names of the directories in a directory.
  public func directories(in path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in
      guard try Files.kind(of: path) == .directory else { return [] }
      return try Files.list(path).filter { (try? Files.kind(of: "\(path)/\($0)")) == .directory }
    }
  }

  /// Binds a directory to another.
  public func bind(_ source: String, to path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Mounting.bind(from: source, toPath: path, readOnly: false) }
  }

  /// Takes the last mount off a directory.
  public func unmount(_ path: String) async throws(HostError) {
    try await system { () throws(SystemError) in try Mounting.unmount(path) }
  }

  /// Where else the same directory of the same file system is mounted.
  public func otherMounts(of path: String) async throws(HostError) -> [String] {
    try await system { () throws(SystemError) in
      let table = try MountTable.current()
      let path = Self.withoutLinks(path)
      guard let mount = table.at(path).last else { return [] }
      return table.entries.filter { $0.device == mount.device && $0.root == mount.root && $0.mountPoint != path }
        .map(\.mountPoint)
    }
  }

  /// Whether a block device is open exclusively: mounted, or below another device.
  public func isHeld(_ device: String) async -> Bool {
    await pool.run {
      guard (try? Files.kind(of: device)) != nil else { return false }
      return (try? BlockDevice.isHeldElsewhere(device)) ?? false
    }
  }

  /// Walks the tree: see `VolumeOwnership`.
  public func setOwnership(of path: String, _ ownership: VolumeOwnership) async throws(HostError) {
    try await run { () throws(HostError) in _ = try OwnershipWalk(ownership: ownership).run(path) }
  }

  /// statfs(2).
  public func space(at path: String) async throws(HostError) -> SpaceFigures {
    try await system { () throws(SystemError) in
      let space = try Files.space(at: path)
      return SpaceFigures(
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
    // The mount table knows mounts whose server has died, where lstat(2) only fails.
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

  /// A path as the mount table has it. Links above it are followed, since a kubelet's root directory may be one; what is at
  /// the path itself is not looked at, since its server may have died.
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
