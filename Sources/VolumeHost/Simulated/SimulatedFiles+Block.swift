internal import Synchronization

extension SimulatedFiles: BlockFiles {
  /// Returns what is at a path. A file with something bound to it counts as a device. Never throws.
  public func kind(of path: String) async throws(HostError) -> BlockEntry {
    world.withLock { world in
      if world.links[path] != nil { return .link }
      if world.files.contains(path) { return world.mounts[path] == nil ? .other : .device }
      return world.directories.contains(path) ? .other : .missing
    }
  }

  /// Creates a symbolic link. Throws `EEXIST` if something is there.
  public func makeLink(at path: String, to target: String) async throws(HostError) {
    guard try await kind(of: path) == .missing else { throw HostError("symlink", path, code: 17) }
    world.withLock { $0.links[path] = target }
  }

  /// Creates an empty file. Never throws.
  public func makeFile(_ path: String) async throws(HostError) { addFile(path) }

  /// Removes a file or a link. Throws `EBUSY` if it is a mount point.
  public func removeFile(at path: String) async throws(HostError) {
    if mountCount(path) > 0 { throw HostError("remove", path, code: 16) }
    world.withLock { world in
      world.links[path] = nil
      world.files.remove(path)
    }
  }

  /// Returns the sorted names in a directory. Never throws.
  public func names(in path: String) async throws(HostError) -> [String] {
    let below = path + "/"
    return world.withLock { $0.directories.union($0.files).union($0.links.keys) }
      .filter { $0.hasPrefix(below) && !$0.dropFirst(below.count).contains("/") }
      .map { String($0.dropFirst(below.count)) }.sorted()
  }

  /// Returns a loop device, `/dev/loop0`, `/dev/loop1` and so on: the existing one or a new one. Never throws.
  public func attachLoop(to path: String) async throws(HostError) -> String {
    world.withLock { world in
      if let device = world.loops[path] { return device }
      let used = Set(world.loops.values)
      let device = (0...used.count).map { "/dev/loop\($0)" }.first { !used.contains($0) } ?? ""
      world.loops[path] = device
      return device
    }
  }

  /// Returns the loop device on a path. Nil if there is none. Never throws.
  public func findLoop(on path: String) async throws(HostError) -> String? { world.withLock { $0.loops[path] } }

  /// Detaches a loop device. Never throws.
  public func detachLoop(_ device: String) async throws(HostError) {
    world.withLock { world in world.loops = world.loops.filter { $0.value != device } }
  }

  /// Returns the target of a symbolic link. Nil if there is no link.
  public func link(at path: String) -> String? { world.withLock { $0.links[path] } }
}
