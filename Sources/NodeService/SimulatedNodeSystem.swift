package import LinuxSystem
package import LogicalVolumes
package import StorageModel
internal import Synchronization

/// The operating system of a ``SimulatedWorld``: mounts and device contents in memory. It follows the kernel's rules
/// that matter here: mounts stack, a mounted directory cannot be removed, an unmounted device keeps its data.
package struct SimulatedNodeSystem: NodeSystem {
  private let world: SimulatedWorld
  /// Whether kubelet's directories exist under any name.
  private let makesDirectories: Bool

  package init(world: SimulatedWorld, makesDirectories: Bool = true) {
    self.world = world
    self.makesDirectories = makesDirectories
  }

  package func resolve(root: String, components: [String]) async throws(VolumeError) -> String? {
    let path = Self.path(root, components)
    return world.state.withLock { makesDirectories || $0.directories.contains(path) } ? path : nil
  }

  package func prepareMounting(root: String, directories: [[String]]) async throws(VolumeError) {}

  package func view(
    root: String, components: [String], source: String
  ) async throws(VolumeError) -> DirectoryView? { nil }

  package func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool { first == second }

  package func mountView(of volumes: [StoredVolume.Location]) async throws(VolumeError) -> MountView {
    world.state.withLock { state in
      let mounts = volumes.map { location in
        guard case .device(let device) = location, let number = state.deviceNumbers[device] else {
          return [MountEntry]()
        }
        return state.mounts.filter { $0.device == number }
      }
      return MountView(table: MountTable(entries: state.mounts), volumes: mounts)
    }
  }

  package func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool { false }

  package func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint? {
    world.state.withLock { $0.complaints[mount.device] }
  }

  package func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents {
    try world.state.withLock { state throws(VolumeError) in
      guard let contents = state.devices[device] else {
        throw VolumeError(.internal, "probing \(device): no such device")
      }
      return contents
    }
  }

  package func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool { true }

  package func holders(of location: StoredVolume.Location) async throws(VolumeError) -> [String] { [] }

  package func isHeld(_ device: String) async throws(VolumeError) -> Bool {
    try await !mounts(of: .device(device)).isEmpty
  }

  package func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError) {
    world.state.withLock { state in
      state.devices[device] = .fileSystem(
        type: kind.rawValue, uuid: kind == .btrfs ? nil : identity.uuid, label: kind == .btrfs ? identity.label : nil)
      state.formats[device, default: 0] += 1
    }
  }

  package func flush(_ mount: MountEntry) async throws(VolumeError) {}

  package func needsMount(asCopy kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    kind == .xfs
  }

  package func separateCopy(
    _ kind: FileSystemKind, on device: String, as identity: FileSystemIdentity
  ) async throws(VolumeError) {}

  package func identifyCopy(
    _ kind: FileSystemKind, on device: String, mountedAt mountPoint: String?, as identity: FileSystemIdentity
  ) async throws(VolumeError) {
    try world.state.withLock { state throws(VolumeError) in
      guard case .fileSystem(kind.rawValue, let uuid, let label)? = state.devices[device] else {
        throw VolumeError(.internal, "identifying \(device): no \(kind.rawValue)")
      }
      let isMounted = state.mounts.contains { $0.device == state.deviceNumbers[device] }
      guard isMounted == (kind == .xfs) else {
        throw VolumeError(.inUse, "identifying \(device): \(isMounted ? "it is mounted" : "it is not mounted")")
      }
      state.devices[device] =
        switch kind {
        case .ext4: .fileSystem(type: kind.rawValue, uuid: identity.uuid, label: label)
        case .xfs: .fileSystem(type: kind.rawValue, uuid: uuid, label: identity.shortLabel)
        case .btrfs: .fileSystem(type: kind.rawValue, uuid: uuid, label: identity.label)
        }
    }
  }

  package func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool { false }

  package func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {}

  package func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    guard try await top(at: mountPoint) != nil else {
      throw VolumeError(.internal, "growing \(device): nothing is mounted at \(mountPoint)")
    }
  }

  package func mount(
    _ device: String, at path: String, kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    try world.state.withLock { state throws(VolumeError) in
      guard case .fileSystem(let type, _, _)? = state.devices[device], type == kind.rawValue else {
        throw VolumeError(.internal, "mounting \(device) at \(path): wrong fs type or bad superblock (EINVAL)")
      }
      guard let number = state.deviceNumbers[device] else {
        throw VolumeError(.internal, "mounting \(device) at \(path): no such device (ENODEV)")
      }
      state.add(
        device: number, at: path, type: type, source: device, options: ["rw", "nosuid", "nodev"])
    }
  }

  package func mount(
    _ device: String, root: String, components: [String], kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    try await mount(device, at: Self.path(root, components), kind: kind, options: options)
  }

  package func bind(
    _ source: String, root: String, components: [String], adding flags: MountFlags
  ) async throws(VolumeError) {
    let path = Self.path(root, components)
    guard try await resolve(root: root, components: components) != nil else {
      throw VolumeError(.notFound, "\(quoted(path)) does not exist; kubelet creates it before the call")
    }
    try world.state.withLock { state throws(VolumeError) in
      guard let from = state.mounts.last(where: { $0.mountPoint == source }) else {
        throw VolumeError(.internal, "binding \(source) to \(path): nothing is mounted there")
      }
      state.add(
        device: from.device, at: path, type: from.fileSystemType, source: from.source,
        options: [flags.contains(.readOnly) ? "ro" : "rw", "nosuid", "nodev"])
    }
  }

  package func unmountAll(_ path: String) async throws(VolumeError) -> Int {
    world.state.withLock { state in
      let before = state.mounts.count
      state.mounts.removeAll { $0.mountPoint == path }
      return before - state.mounts.count
    }
  }

  package func makeDirectory(_ path: String) async throws(VolumeError) {
    world.state.withLock { state in _ = state.directories.insert(path) }
  }

  package func removeDirectory(_ path: String) async throws(VolumeError) {
    try world.state.withLock { state throws(VolumeError) in
      if state.mounts.contains(where: { $0.mountPoint == path }) {
        throw VolumeError(.inUse, "removing \(path): device or resource busy (EBUSY)")
      }
      state.directories.remove(path)
    }
  }

  package func directories(in path: String) async throws(VolumeError) -> [String] {
    world.state.withLock { state in
      state.directories.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }.sorted()
    }
  }

  private static func path(_ root: String, _ components: [String]) -> String {
    ([root] + components).joined(separator: "/")
  }
}

extension SimulatedWorld.State {
  fileprivate mutating func add(
    device: DeviceNumber, at path: String, type: String, source: String, options: [String]
  ) {
    nextMountID += 1
    mounts.append(
      MountEntry(
        id: nextMountID, parentID: 1, device: device, root: "/", mountPoint: path, options: options,
        fileSystemType: type, source: source))
  }
}
