internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Mounts a volume once per node, for pods' directories to be bound from, and takes that mount down with its last user.
///
/// Callers hold the volume's lock.
struct Stager: Sendable {
  let context: NodeContext

  /// Makes sure that the volume is mounted somewhere to bind from, and returns where.
  func ensureStaged(
    _ volume: StoredVolume, _ kind: FileSystemKind?, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> String {
    let device: String
    switch volume.location {
    case .directory(let directory): return directory
    case .device(let path): device = path
    }
    let mounts = try await context.system.mounts(of: volume.location)
    if let global = try await globalMount(of: volume.name, among: mounts) { return global }
    let path = context.settings.stagingPath(of: volume.name)
    if let top = try await context.system.mounts(at: path).last {
      guard mounts.contains(top) else {
        throw VolumeError(.conflict, "staging directory \(path) has \(top.source) mounted, not volume \(volume.name)")
      }
      return path
    }
    guard let kind else { throw VolumeError(.internal, "volume \(volume.name) has a device but no file system") }
    try await mount(volume, device, kind, options, isMountedElsewhere: !mounts.isEmpty, at: path, &rollback)
    return path
  }

  /// Takes the staging mount down if no other mount of the volume is left.
  func unstageIfUnused(_ name: VolumeName) async throws(VolumeError) {
    let path = context.settings.stagingPath(of: name)
    if let top = try await context.system.mounts(at: path).last {
      let users = try await context.system.mounts(like: top).filter { $0.mountPoint != path }
      guard users.isEmpty else { return }
      try await context.measure(.unstage) { () async throws(VolumeError) in
        _ = try await context.system.unmountAll(path)
      }
      context.log.info("volume unstaged", ["volume": name.text])
      try await context.steps.reach(.unstaged)
    }
    try await context.system.removeDirectory(path)
    try await context.steps.reach(.stagingDirectoryRemoved)
    try await context.engine.release(name)
    try await context.steps.reach(.released)
  }

  /// On the attach path kubelet has had the volume mounted at its own directory; a second mount of ours would keep it
  /// from unmounting there.
  private func globalMount(
    of name: VolumeName, among mounts: [MountEntry]
  ) async throws(VolumeError) -> String? {
    let components = TargetPath.globalComponents(of: name)
    guard
      let path = try await context.system.resolve(root: context.settings.kubeletRoot, components: components)
    else { return nil }
    return mounts.contains { $0.mountPoint == path } ? path : nil
  }

  private func mount(
    _ volume: StoredVolume, _ device: String, _ kind: FileSystemKind, _ options: VolumeOptions,
    isMountedElsewhere: Bool, at path: String, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    if !isMountedElsewhere {
      try await VolumePreparer(context: context).repair(kind, volume, device, &rollback)
    }
    try await system.makeDirectory(path)
    rollback.add("staging directory \(path)") { () async throws(VolumeError) in try await system.removeDirectory(path) }
    try await context.steps.reach(.stagingDirectoryMade)
    try checkCancellation(volume.name)
    try await context.measure(.stage) { () async throws(VolumeError) in
      do throws(VolumeError) {
        try await system.mount(device, at: path, kind: kind, options: options.mountOptions)
      } catch {
        // The engine knows why a device takes no writes, and says it.
        _ = try await context.engine.activate(volume)
        throw error
      }
    }
    rollback.add("staging mount \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    context.log.info("volume staged", ["volume": volume.name.text, "device": device, "fileSystem": kind.rawValue])
    try await context.steps.reach(.staged)
  }
}
