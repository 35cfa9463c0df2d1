internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Grows a volume and its file system while it is in use. Never shrinks.
struct Expander: Sendable {
  let context: NodeContext

  /// Grows the volume to at least `size`, and its file system. The file system is grown even if the volume is large
  /// enough, because a crash may have come between the two steps.
  func expand(_ target: PublishTarget, to size: ByteCount) async throws(VolumeError) {
    let name = target.volume
    try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      try context.locks.throwFailure(of: name)
      guard let found = try await context.engine.volume(name) else {
        throw VolumeError(
          .notFound, "volume \(name) does not exist on node \(context.configuration.nodeName); it cannot be grown")
      }
      let mountPoint = try await requireMount(of: found, target)
      let outcome = try await context.measure(.extend) { () async throws(VolumeError) in
        try await context.engine.extend(found, to: size)
      }
      if outcome.isChange {
        context.log.notice("volume extended", ["volume": name.text, "size": "\(outcome.value.size)"])
      }
      try await context.steps.reach(.volumeExtended)
      if let mountPoint { try await grow(outcome.value, mountPoint) }
    }
  }

  /// The mount through which the file system is grown; nil for a directory, which has no file system of its own.
  private func requireMount(
    of volume: StoredVolume, _ target: PublishTarget
  ) async throws(VolumeError) -> MountEntry? {
    guard case .device = volume.location else { return nil }
    let mounts = try await context.system.mounts(of: volume.location)
    if let path = try await context.system.resolve(root: target.root, components: target.components),
      let entry = mounts.last(where: { $0.mountPoint == path })
    {
      return entry
    }
    if let other = mounts.first { return other }
    throw VolumeError(
      .conflict,
      "volume \(volume.name) is not mounted at \(target.path) or anywhere else, so it cannot be grown")
  }

  private func grow(_ volume: StoredVolume, _ entry: MountEntry) async throws(VolumeError) {
    guard let kind = FileSystemKind(rawValue: entry.fileSystemType), case .device(let device) = volume.location else {
      throw VolumeError(
        .unsafe, "volume \(volume.name) holds \(quoted(entry.fileSystemType)), which this driver cannot grow")
    }
    // Prefers our own mount, because the pod's may be read-only.
    let staging = context.configuration.stagingPath(of: volume.name)
    let isStaged = try await context.system.top(at: staging) != nil
    let mountPoint = isStaged ? staging : entry.mountPoint
    var nothing = Rollback()
    do throws(VolumeError) {
      try await context.perform(.growing, on: volume.name, &nothing) { [context] progress async throws(VolumeError) in
        try await context.measure(.grow) { () async throws(VolumeError) in
          try await naming(volume.name) { () async throws(VolumeError) in
            try await context.system.growFileSystem(
              kind, on: device, mountPoint: mountPoint, deadline: context.configuration.toolDeadline, progress: progress
            )
          }
        }
      }
    } catch {
      throw try await explained(error, volume.name, kind, entry)
    }
    try await context.steps.reach(.fileSystemGrown)
  }

  /// Adds the reason to an error. The kernel does not grow an ext4 that has had an error since its last check
  /// (`ext4_resize_begin`, fs/ext4/resize.c), and resize2fs only reports that it may not.
  private func explained(
    _ error: VolumeError, _ name: VolumeName, _ kind: FileSystemKind, _ entry: MountEntry
  ) async throws(VolumeError) -> VolumeError {
    guard kind == .ext4, let complaint = try await context.system.complaint(about: entry) else { return error }
    return VolumeError(
      .conflict,
      "volume \(name) cannot be grown while it is mounted: \(complaint). Delete all pods that use it on this node; when the "
        + "next one starts, the file system is checked and grown",
      cause: error.cause)
  }
}
