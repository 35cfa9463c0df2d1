internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// The node's half of the attach path: `waitforattach`, `mountdevice`, `unmountdevice`.
struct DeviceMounter: Sendable {
  let context: NodeContext
  private var preparer: VolumePreparer { VolumePreparer(context: context) }

  /// Makes sure that the volume exists and returns its device. It is not formatted here: that is `mountdevice`'s.
  func waitForAttach(_ name: VolumeName, _ options: VolumeOptions) async throws(VolumeError) -> String {
    try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      return try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(name, options, willFormat: false, &rollback)
        guard case .device(let device) = volume.location else {
          throw VolumeError(
            .invalid,
            "volume \(name) is a directory: engine \"\(context.engine.kind.rawValue)\" has no devices to attach; install "
              + "the client without --attach")
        }
        try checkCancellation(name)
        return device
      }
    }
  }

  /// Formats the volume if it is new and mounts it at kubelet's global directory.
  ///
  /// - Returns: what was published, for ``takeBack(_:)``; `unchanged` when it was there before.
  func mountDevice(_ target: TargetPath, _ options: VolumeOptions) async throws(VolumeError) -> Outcome<Publication> {
    let name = target.volume
    let root = context.settings.kubeletRoot
    return try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      guard let path = try await context.system.resolve(root: root, components: target.components) else {
        throw VolumeError(
          .notFound,
          "\(root)/\(target.components.joined(separator: "/")) does not exist; kubelet makes it before it calls")
      }
      if try await isMounted(name, at: path) { return .unchanged(try await context.publication(at: target)) }
      let publication = try await withRollback { rollback async throws(VolumeError) in
        try await mount(target, path, options, &rollback)
        return try await context.publication(at: target)
      }
      context.log.notice("volume mounted", ["volume": name.text, "path": path])
      return .changed(publication)
    }
  }

  /// Takes a mount back that its caller does not have, unless a later call has been told that it is there.
  ///
  /// - Returns: whether it was taken back.
  func takeBack(_ publication: Publication) async throws(VolumeError) -> Bool {
    try await context.withLock(publication.target.volume) { () async throws(VolumeError) in
      guard context.publishedCalls.isLast(publication.call, for: publication.target) else { return false }
      try await takeDown(publication.target)
      return true
    }
  }

  /// Takes the volume off kubelet's global directory.
  func unmountDevice(_ target: TargetPath) async throws(VolumeError) {
    let whileBusy = { (_: LongRun) async throws(VolumeError) -> Void? in try await unmount(target) }
    try await context.withLock(target.volume, whileBusy: whileBusy) { () async throws(VolumeError) in
      try await takeDown(target)
    }
  }

  private func takeDown(_ target: TargetPath) async throws(VolumeError) {
    try await unmount(target)
    context.publishedCalls.forget(target)
    try await context.engine.release(target.volume)
  }

  private func unmount(_ target: TargetPath) async throws(VolumeError) {
    guard
      let path = try await context.system.resolve(root: context.settings.kubeletRoot, components: target.components)
    else { return }
    let layers = try await context.system.unmountAll(path)
    try await context.steps.reach(.deviceUnmounted)
    if layers > 0 { context.log.notice("volume unmounted", ["volume": target.volume.text, "path": path]) }
  }

  private func isMounted(_ name: VolumeName, at path: String) async throws(VolumeError) -> Bool {
    guard let top = try await context.system.mounts(at: path).last else { return false }
    if let volume = try await context.engine.volume(name),
      try await context.system.mounts(of: volume.location).contains(top)
    {
      return true
    }
    throw VolumeError(.conflict, "\(path) has \(quoted(top.source)) mounted, which is not volume \(name)")
  }

  private func mount(
    _ target: TargetPath, _ path: String, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    let volume = try await preparer.ensureVolume(target.volume, options, willFormat: true, &rollback)
    guard case .device(let device) = volume.location,
      let kind = try await preparer.ensureFileSystem(on: volume, options, &rollback)
    else {
      throw VolumeError(.invalid, "volume \(target.volume) is a directory; there is no device to mount")
    }
    if try await system.mounts(of: volume.location).isEmpty {
      try await preparer.repair(kind, volume, device, &rollback)
    }
    try checkCancellation(target.volume)
    try await context.measure(.stage) { () async throws(VolumeError) in
      try await system.mount(
        device, root: context.settings.kubeletRoot, components: target.components, kind: kind,
        options: options.mountOptions)
    }
    rollback.add("the mount at \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    try await context.steps.reach(.deviceMounted)
    try checkCancellation(target.volume)
  }
}
