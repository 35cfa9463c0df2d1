internal import Synchronization

/// A node's directories and mounts in memory. Tests make the mounts, unmounts and files of drivers with its own
/// methods.
public final class SimulatedFiles: HostFiles {
  /// One mount on a directory. The last one is visible.
  struct Layer {
    /// Whether the mount is on another file system than the directory above.
    let isForeign: Bool
    /// Whether the server of the mount has died.
    var isDead = false
  }

  struct World {
    var directories: Set<String> = ["/"]
    var files: Set<String> = []
    var mounts: [String: [Layer]] = [:]
    var owned: [String: VolumeOwnership] = [:]
    var held: Set<String> = []
    var links: [String: String] = [:]
    var loops: [String: String] = [:]
  }

  let world = Mutex(World())

  /// Creates a node with only the root directory.
  public init() {}

  /// Returns what is at a path. Throws `ENOTCONN` for a mount whose server has died, unless `recognisingBinds` is set.
  public func state(of path: String, recognisingBinds: Bool) async throws(HostError) -> DirectoryState {
    let (exists, top) = world.withLock { ($0.directories.contains(path), $0.mounts[path]?.last) }
    guard exists else { return .missing }
    guard let top else { return .plain }
    if recognisingBinds { return .mountPoint }
    if top.isDead { throw HostError("stat", path, code: 107) }
    return top.isForeign ? .mountPoint : .plain
  }

  /// Creates a directory and its missing parents. Never throws.
  public func makeDirectory(_ path: String) async throws(HostError) { addDirectory(path) }

  /// Removes an empty directory, as rmdir(2) does. Throws `EBUSY` for a mount point, `ENOTEMPTY` for a directory with
  /// entries.
  public func removeDirectory(_ path: String) async throws(HostError) {
    let code: Int32 = world.withLock { world in
      guard world.directories.contains(path) else { return 0 }
      if world.mounts[path] != nil { return 16 }
      let below = path + "/"
      if (world.directories.union(world.files)).contains(where: { $0.hasPrefix(below) }) { return 39 }
      world.directories.remove(path)
      return 0
    }
    if code != 0 { throw HostError("remove", path, code: code) }
  }

  /// Returns the sorted names of the directories in a directory. Never throws.
  public func directories(in path: String) async throws(HostError) -> [String] {
    let below = path + "/"
    return world.withLock { $0.directories }
      .filter { $0.hasPrefix(below) && !$0.dropFirst(below.count).contains("/") }
      .map { String($0.dropFirst(below.count)) }.sorted()
  }

  /// Mounts a directory on another one. The mount is on another file system if the source is. Throws `ENOENT` if
  /// nothing is at the path.
  public func bind(_ source: String, to path: String) async throws(HostError) {
    let isForeign = world.withLock { $0.mounts[source]?.last?.isForeign ?? false }
    try mount(path, isForeign: isForeign)
  }

  /// Unmounts the topmost mount of a directory. Throws an error if nothing is mounted.
  public func unmount(_ path: String) async throws(HostError) {
    guard removeMount(path) else { throw HostError("unmount", path, reason: "not mounted") }
  }

  /// Mounts any device. Throws `ENOENT` if nothing is at the path.
  public func formatAndMount(
    _ device: String, at path: String, fsType: String, readOnly: Bool
  ) async throws(HostError) {
    try mount(path, isForeign: true)
  }

  /// Succeeds for every device with a name. Throws an error for an empty name.
  public func growFileSystem(on device: String, mountedAt path: String) async throws(HostError) {
    if device.isEmpty { throw HostError("resize", path, reason: "no device") }
  }

  /// Returns nothing: simulated mounts have no source. Never throws.
  public func otherMounts(of path: String) async throws(HostError) -> [String] { [] }

  /// Returns what `hold` has set.
  public func isHeld(_ device: String) async -> Bool { world.withLock { $0.held.contains(device) } }

  /// Records the ownership for `ownership(of:)`. Never throws.
  public func setOwnership(of path: String, _ ownership: VolumeOwnership) async throws(HostError) {
    world.withLock { $0.owned[path] = ownership }
  }

  /// Returns the figures of an empty file system of 1 GiB. Throws `ENOENT` if the directory does not exist.
  public func space(at path: String) async throws(HostError) -> SpaceUsage {
    guard exists(path) else { throw HostError("statfs", path, code: 2) }
    return SpaceUsage(capacity: 1 << 30, available: 1 << 30, used: 0, inodes: 1000, inodesFree: 1000)
  }
}

// What drivers, people and accidents do.
extension SimulatedFiles {
  /// Creates a directory and its missing parents.
  public func addDirectory(_ path: String) {
    world.withLock { world in
      var path = path[...]
      while !path.isEmpty {
        world.directories.insert(String(path))
        path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      }
    }
  }

  /// Creates a file.
  public func addFile(_ path: String) { world.withLock { _ = $0.files.insert(path) } }

  /// Removes a file.
  public func removeFile(_ path: String) { world.withLock { _ = $0.files.remove(path) } }

  /// Mounts something on a directory or file. `isForeign` is whether it is on another file system. Throws `ENOENT` if
  /// nothing is at the path.
  public func mount(_ path: String, isForeign: Bool) throws(HostError) {
    guard exists(path) || world.withLock({ $0.files.contains(path) }) else { throw HostError("mount", path, code: 2) }
    world.withLock { $0.mounts[path, default: []].append(Layer(isForeign: isForeign)) }
  }

  /// Unmounts the topmost mount of a directory. Returns false if there is none.
  @discardableResult
  public func removeMount(_ path: String) -> Bool {
    world.withLock { world in
      guard var layers = world.mounts[path], layers.popLast() != nil else { return false }
      world.mounts[path] = layers.isEmpty ? nil : layers
      return true
    }
  }

  /// Removes all mounts, as a reboot does.
  public func removeAllMounts() { world.withLock { $0.mounts = [:] } }

  /// Kills the server of the topmost mount.
  public func killServer(of path: String) {
    world.withLock { world in
      guard let last = world.mounts[path]?.indices.last else { return }
      world.mounts[path]?[last].isDead = true
    }
  }

  /// Holds a device open, or releases it.
  public func hold(_ device: String, _ isHeld: Bool = true) {
    world.withLock { if isHeld { $0.held.insert(device) } else { $0.held.remove(device) } }
  }

  /// Returns whether a directory exists.
  public func exists(_ path: String) -> Bool { world.withLock { $0.directories.contains(path) } }

  /// Returns the number of mounts on a directory.
  public func mountCount(_ path: String) -> Int { world.withLock { $0.mounts[path]?.count ?? 0 } }

  /// Returns the ownership that was set last.
  public func ownership(of path: String) -> VolumeOwnership? { world.withLock { $0.owned[path] } }
}
