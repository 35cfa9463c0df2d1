internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// `mount` and `unmount`: a volume at a pod's directory, and off it.
struct Publisher: Sendable {
  let context: NodeContext
  private var preparer: VolumePreparer { VolumePreparer(context: context) }
  private var stager: Stager { Stager(context: context) }

  /// Makes the volume usable at the pod's directory. Already there is success, and unchanged. A failure leaves nothing
  /// behind.
  ///
  /// - Returns: what was published, for ``takeBack(_:)``; `unchanged` when it was there before.
  func publish(_ target: TargetPath, _ options: VolumeOptions) async throws(VolumeError) -> Outcome<Publication> {
    let name = target.volume
    return try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      let path = try await requireDirectory(target)
      try context.requireHoldable(options)
      if try await isPublished(name, at: path, options) {
        context.log.info("volume already published", ["volume": name.text, "path": path])
        return .unchanged(try await context.publication(at: target))
      }
      let publication = try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(name, options, willFormat: true, &rollback)
        let source = try await staged(volume, options, &rollback)
        try checkCancellation(name)
        try await bind(source, target, path, options, &rollback)
        try await requireShown(volume, at: path, source)
        try checkCancellation(name)
        return try await context.publication(at: target)
      }
      context.log.notice(
        "volume published",
        ["volume": name.text, "path": path, "pod": options.pod ?? "", "readOnly": "\(options.isReadOnly)"])
      return .changed(publication)
    }
  }

  /// Takes the volume off the pod's directory. Not mounted, gone and never known are success: kubelet asks until it
  /// is told so.
  func unpublish(_ target: TargetPath) async throws(VolumeError) {
    try await context.withLock(target.volume, whileBusy: { _ async throws(VolumeError) in try await detach(target) }) {
      () async throws(VolumeError) in try await takeDown(target)
    }
  }

  /// Takes a mount back whose caller was never told of it, unless a later call has been told.
  ///
  /// - Returns: whether it was taken back.
  func takeBack(_ publication: Publication) async throws(VolumeError) -> Bool {
    let target = publication.target
    let whileBusy = { (_: LongRun) async throws(VolumeError) -> Bool? in
      guard context.publishedCalls.isLast(publication.call, for: target) else { return false }
      try await detach(target)
      return true
    }
    return try await context.withLock(target.volume, whileBusy: whileBusy) { () async throws(VolumeError) in
      guard context.publishedCalls.isLast(publication.call, for: target) else { return false }
      try await takeDown(target)
      return true
    }
  }

  /// While a program works on the volume: the pod's directory is freed, and the rest is the program's, since its caller
  /// or its end unstages. A volume that is formatted or checked is mounted nowhere; one that grows does so by our own mount.
  private func detach(_ target: TargetPath) async throws(VolumeError) {
    try await takeOff(target)
    context.publishedCalls.forget(target)
  }

  private func takeDown(_ target: TargetPath) async throws(VolumeError) {
    try await takeOff(target)
    context.publishedCalls.forget(target)
    do throws(VolumeError) {
      try await stager.unstageIfUnused(target.volume)
    } catch {
      // The pod's directory is free, which is all that kubelet asked. The sweep tries the rest again.
      context.log.warning("volume can not be unstaged yet", ["volume": target.volume.text, "reason": error.message])
    }
  }

  private func takeOff(_ target: TargetPath) async throws(VolumeError) {
    guard
      let path = try await context.system.resolve(root: context.settings.kubeletRoot, components: target.components)
    else { return }
    let layers = try await context.measure(.unpublish) { () async throws(VolumeError) in
      try await context.system.unmountAll(path)
    }
    try await context.steps.reach(.unpublished)
    if layers > 0 { context.log.notice("volume unpublished", ["volume": target.volume.text, "path": path]) }
  }

  private func requireDirectory(_ target: TargetPath) async throws(VolumeError) -> String {
    let root = context.settings.kubeletRoot
    if let path = try await context.system.resolve(root: root, components: target.components) { return path }
    throw VolumeError(
      .notFound,
      "\(root)/\(target.components.joined(separator: "/")) does not exist; kubelet makes it before it calls")
  }

  /// Whether the directory shows the volume already, by a mount that allows no more than is asked.
  ///
  /// - Throws: `conflict` when something else is mounted there.
  private func isPublished(
    _ name: VolumeName, at path: String, _ options: VolumeOptions
  ) async throws(VolumeError) -> Bool {
    guard let top = try await context.system.mounts(at: path).last else { return false }
    guard let volume = try await context.engine.volume(name),
      try await isWhole(top, volume)
    else {
      throw VolumeError(.conflict, "\(path) has \(quoted(top.source)) mounted, which is not volume \(name)")
    }
    let names = flags(options).optionNames
    if names.isSubset(of: top.options) { return true }
    // Made by an earlier release, or read-only since: take it off and do it again.
    _ = try await context.system.unmountAll(path)
    return false
  }

  private func staged(
    _ volume: StoredVolume, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> String {
    let mounts = try await context.system.mounts(of: volume.location)
    let known = mounts.first.flatMap { FileSystemKind(rawValue: $0.fileSystemType) }
    // A mounted volume needs no look into its device.
    let kind: FileSystemKind?
    if let known, case .device = volume.location {
      kind = known
    } else {
      kind = try await preparer.ensureFileSystem(on: volume, options, &rollback)
    }
    try checkCancellation(volume.name)
    return try await stager.ensureStaged(volume, kind, options, &rollback)
  }

  /// The bind shows what is visible at the staging path, which something mounted over it may hide: a pod that wrote
  /// there would write to another disk.
  private func requireShown(_ volume: StoredVolume, at path: String, _ source: String) async throws(VolumeError) {
    if let top = try await context.system.mounts(at: path).last, try await isWhole(top, volume) { return }
    throw VolumeError(
      .conflict,
      "what is visible at \(source) is not volume \(volume.name): something is mounted over it or above it; unmount that, or "
        + "restart the daemon after its state directory was moved")
  }

  /// Whether a mount shows the volume, from its root on.
  private func isWhole(_ entry: MountEntry, _ volume: StoredVolume) async throws(VolumeError) -> Bool {
    let mounts = try await context.system.mounts(of: volume.location)
    if case .device = volume.location, entry.root != "/" { return false }
    return mounts.contains(entry)
  }

  /// What the bind mount adds to its source's flags. A directory's source is no mount of ours: its bind has them all.
  private func flags(_ options: VolumeOptions) -> MountFlags {
    let own: MountFlags = context.engine.kind == .directory ? options.mountOptions.kernelForm.flags : []
    return options.isReadOnly ? own.union(.readOnly) : own
  }

  private func bind(
    _ source: String, _ target: TargetPath, _ path: String, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    try await context.measure(.publish) { () async throws(VolumeError) in
      try await system.bind(
        source, root: context.settings.kubeletRoot, components: target.components, adding: flags(options))
    }
    rollback.add("the mount at \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    try await context.steps.reach(.published)
  }
}
