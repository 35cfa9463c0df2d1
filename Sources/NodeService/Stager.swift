internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Mounts a volume once per node, as the source of binds to pods' directories. Unmounts it after its last user.
///
/// Callers hold the volume's lock.
struct Stager: Sendable {
  let context: NodeContext
  private var preparer: VolumePreparer { VolumePreparer(context: context) }

  /// Ensures that the volume is mounted, and returns a mount point to bind from.
  func ensureStaged(
    _ volume: StoredVolume, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> String {
    let (kind, mounts) = try await fileSystem(of: volume, options, &rollback)
    try checkCancellation(volume.name)
    let device: String
    switch volume.location {
    case .directory(let directory): return directory
    case .device(let path): device = path
    }
    if let mounted = try await deviceMount(of: volume.name, among: mounts.ofVolume) { return mounted }
    let path = context.configuration.stagingPath(of: volume.name)
    if let top = mounts.top(at: path) {
      guard mounts.ofVolume.contains(top) else {
        throw VolumeError(.conflict, "staging directory \(path) has \(top.source) mounted, not volume \(volume.name)")
      }
      return path
    }
    guard let kind else { throw VolumeError(.internal, "volume \(volume.name) has a device but no file system") }
    if mounts.ofVolume.isEmpty { try await preparer.repair(kind, volume, device, &rollback) }
    try await stage(volume, device, kind, options, at: path, &rollback)
    return path
  }

  /// Mounts the volume's device at a target, for a door that has the node's one mount.
  func mount(
    _ volume: StoredVolume, _ options: VolumeOptions, at target: PublishTarget, _ path: String,
    _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    guard case .device(let device) = volume.location,
      case let (kind?, mounts) = try await fileSystem(of: volume, options, &rollback)
    else {
      throw VolumeError(.invalid, "volume \(volume.name) is a directory and has no device to mount")
    }
    if mounts.ofVolume.isEmpty { try await preparer.repair(kind, volume, device, &rollback) }
    try checkCancellation(volume.name)
    try await context.measure(.stage) { () async throws(VolumeError) in
      try await system.mount(
        device, root: target.root, components: target.components, kind: kind,
        options: options.mountOptions(of: volume, kind))
    }
    rollback.add("the mount at \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    try await context.steps.reach(.deviceMounted)
    try checkCancellation(volume.name)
  }

  /// Unmounts the staging directory if the volume has no other mount.
  func unstageIfUnused(_ name: VolumeName) async throws(VolumeError) {
    let path = context.configuration.stagingPath(of: name)
    let mounts = try await context.system.mountView(of: [])
    if let top = mounts.top(at: path) {
      let users = mounts.table.on(top.device).filter { $0.mountPoint != path }
      guard users.isEmpty else { return }
      try await context.measure(.unstage) { () async throws(VolumeError) in
        _ = try await context.system.unmountAll(path)
      }
      context.log.info("volume unstaged", ["volume": name.text])
      try await context.steps.reach(.unstaged)
    }
    try await context.system.removeDirectory(path)
    try await context.steps.reach(.stagingDirectoryRemoved)
    try await context.engine.detach(name)
    try await context.steps.reach(.detached)
  }
}

// MARK: - Steps

extension Stager {
  /// The volume's file system, created if there is none, and its mounts; nil for a volume that is a directory.
  ///
  /// The mount table is read once for all decisions before the mount, because no other call changes the volume's mounts
  /// meanwhile. After mkfs, which may take long, the table is read again.
  private func fileSystem(
    of volume: StoredVolume, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> (FileSystemKind?, MountView) {
    let mounts = try await context.system.mountView(of: [volume.location])
    // If the volume is mounted, its device need not be probed.
    if case .device = volume.location,
      let known = mounts.ofVolume.first.flatMap({ FileSystemKind(rawValue: $0.fileSystemType) })
    {
      return (known, mounts)
    }
    switch try await preparer.ensureFileSystem(on: volume, options, &rollback) {
    case .unchanged(let kind): return (kind, mounts)
    case .changed(let kind): return (kind, try await context.system.mountView(of: [volume.location]))
    }
  }

  /// An existing mount of the device by a door. A second mount by us would keep the door from unmounting the device.
  private func deviceMount(
    of name: VolumeName, among mounts: [MountEntry]
  ) async throws(VolumeError) -> String? {
    for target in context.doors.compactMap({ $0.deviceTarget(of: name) }) {
      guard let path = try await context.system.resolve(root: target.root, components: target.components) else {
        continue
      }
      if mounts.contains(where: { $0.mountPoint == path }) { return path }
    }
    return nil
  }

  private func stage(
    _ volume: StoredVolume, _ device: String, _ kind: FileSystemKind, _ options: VolumeOptions, at path: String,
    _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    try await system.makeDirectory(path)
    rollback.add("staging directory \(path)") { () async throws(VolumeError) in try await system.removeDirectory(path) }
    try await context.steps.reach(.stagingDirectoryCreated)
    try checkCancellation(volume.name)
    try await context.measure(.stage) { () async throws(VolumeError) in
      do throws(VolumeError) {
        try await system.mount(device, at: path, kind: kind, options: options.mountOptions(of: volume, kind))
      } catch {
        // The engine knows why a device is not writable, and throws that error.
        _ = try await context.engine.activate(volume)
        throw error
      }
    }
    rollback.add("staging mount \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    context.log.info("volume staged", ["volume": volume.name.text, "device": device, "fileSystem": kind.rawValue])
    try await context.steps.reach(.staged)
  }
}

extension VolumeOptions {
  /// The options with which a volume's file system is mounted.
  fileprivate func mountOptions(of volume: StoredVolume, _ kind: FileSystemKind) -> MountOptions {
    volume.marks?.origin == nil ? mountOptions : mountOptions.sharingUUID(as: kind)
  }
}
