internal import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Telemetry

// A volume at a target, and off it: ensure, stage, publish.
extension VolumeService {
  /// Makes the volume usable at the target. Already there is success, and unchanged. A failure leaves nothing behind.
  ///
  /// - Returns: what was published, for ``takeBack(_:)``; `unchanged` when it was there before.
  package func publish(
    _ request: VolumeRequest, at target: PublishTarget
  ) async throws(VolumeError) -> Outcome<MountAnswer> {
    let name = request.name
    return try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      let path = try await requireDirectory(target)
      try context.requireHoldable(request.options.mountOptions)
      if let shown = try await published(request, target, at: path) {
        context.log.info(target.kind.messages.alreadyDone, ["volume": name.text, "path": path])
        return .unchanged(try await context.mountAnswer(at: target, shown))
      }
      let answer = try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(request, willFormat: true, &rollback)
        let source = try await mount(volume, request, target, at: path, &rollback)
        let shown = try await requireShown(volume, at: path, source)
        try checkCancellation(name)
        return try await context.mountAnswer(at: target, shown)
      }
      context.log.notice(target.kind.messages.done, values(of: request, target, path))
      return .changed(answer)
    }
  }

  private func values(of request: VolumeRequest, _ target: PublishTarget, _ path: String) -> [String: String] {
    var values = ["volume": request.name.text, "path": path]
    guard target.kind == .bind else { return values }
    values["pod"] = request.consumer?.description ?? ""
    values["readOnly"] = "\(request.access == .readOnly)"
    return values
  }

  private func requireDirectory(_ target: PublishTarget) async throws(VolumeError) -> String {
    if let path = try await context.system.resolve(root: target.root, components: target.components) { return path }
    throw VolumeError(.notFound, "\(target.path) does not exist; kubelet makes it before it calls")
  }

  /// The mount at the directory, if it shows the volume already and allows no more than is asked.
  ///
  /// - Throws: `conflict` when something else is mounted there.
  private func published(
    _ request: VolumeRequest, _ target: PublishTarget, at path: String
  ) async throws(VolumeError) -> MountEntry? {
    guard let top = try await context.system.top(at: path) else { return nil }
    guard let volume = try await context.engine.volume(request.name),
      isWhole(top, volume, among: try await context.system.mounts(of: volume.location))
    else {
      throw VolumeError(.conflict, "\(path) has \(quoted(top.source)) mounted, which is not volume \(request.name)")
    }
    if flags(request, target).optionNames.isSubset(of: top.options) { return top }
    // Made by an earlier release, or read-only since: take it off and do it again.
    _ = try await context.system.unmountAll(path)
    return nil
  }

  /// - Returns: from where it is shown.
  private func mount(
    _ volume: StoredVolume, _ request: VolumeRequest, _ target: PublishTarget, at path: String,
    _ rollback: inout Rollback
  ) async throws(VolumeError) -> String {
    switch target.kind {
    case .device:
      try await stager.mount(volume, request.options, at: target, path, &rollback)
      return path
    case .bind:
      let source = try await stager.ensureStaged(volume, request.options, &rollback)
      try checkCancellation(volume.name)
      try await bind(source, request, target, path, &rollback)
      return source
    }
  }

  private func bind(
    _ source: String, _ request: VolumeRequest, _ target: PublishTarget, _ path: String, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    let system = context.system
    try await context.measure(.publish) { () async throws(VolumeError) in
      try await system.bind(
        source, root: target.root, components: target.components, adding: flags(request, target))
    }
    rollback.add("the mount at \(path)") { () async throws(VolumeError) in _ = try await system.unmountAll(path) }
    try await context.steps.reach(.published)
  }

  /// What the mount at the target adds to the flags of what is shown there. A directory's source is no mount of ours: its bind
  /// has them all.
  private func flags(_ request: VolumeRequest, _ target: PublishTarget) -> MountFlags {
    guard target.kind == .bind else { return [] }
    let own: MountFlags = context.engine.kind == .directory ? request.options.mountOptions.kernelForm.flags : []
    return request.access == .readOnly ? own.union(.readOnly) : own
  }

  /// The bind shows what is visible at the staging path, which something mounted over it may hide: a pod that wrote
  /// there would write to another disk.
  private func requireShown(
    _ volume: StoredVolume, at path: String, _ source: String
  ) async throws(VolumeError) -> MountEntry {
    let mounts = try await context.system.look(at: [volume.location])
    if let top = mounts.top(at: path), isWhole(top, volume, among: mounts.ofVolume) { return top }
    throw VolumeError(
      .conflict,
      "what is visible at \(source) is not volume \(volume.name): something is mounted over it or above it; unmount that, or "
        + "restart the daemon after its state directory was moved")
  }

  /// Whether a mount shows the volume, from its root on.
  private func isWhole(_ entry: MountEntry, _ volume: StoredVolume, among mounts: [MountEntry]) -> Bool {
    if case .device = volume.location, entry.root != "/" { return false }
    return mounts.contains(entry)
  }
}

// MARK: - Taking down

extension VolumeService {
  /// Takes the volume off the target. Not mounted, gone and never known are success: kubelet asks until it is told so.
  package func unpublish(_ target: PublishTarget) async throws(VolumeError) {
    try await context.withLock(target.volume, whileBusy: { _ async throws(VolumeError) in try await detach(target) }) {
      () async throws(VolumeError) in try await takeDown(target)
    }
  }

  /// Takes a mount back whose caller was never told of it, unless a later call has been told.
  ///
  /// - Returns: whether it was taken back.
  package func takeBack(_ answer: MountAnswer) async throws(VolumeError) -> Bool {
    let target = answer.target
    let whileBusy = { (_: LongRun) async throws(VolumeError) -> Bool? in
      guard context.mountAnswers.isLast(answer.call, for: target) else { return false }
      try await detach(target)
      return true
    }
    return try await context.withLock(target.volume, whileBusy: whileBusy) { () async throws(VolumeError) in
      guard context.mountAnswers.isLast(answer.call, for: target) else { return false }
      try await takeDown(target)
      return true
    }
  }

  /// While a program works on the volume: the directory is freed, and the rest is the program's, since its caller or its end
  /// unstages. A volume that is formatted or checked is mounted nowhere; one that grows does so by our own mount.
  private func detach(_ target: PublishTarget) async throws(VolumeError) {
    try await takeOff(target)
    context.mountAnswers.forget(target)
  }

  private func takeDown(_ target: PublishTarget) async throws(VolumeError) {
    try await detach(target)
    guard target.kind == .bind else { return try await context.engine.detach(target.volume) }
    do throws(VolumeError) {
      try await stager.unstageIfUnused(target.volume)
    } catch {
      // The pod's directory is free, which is all that kubelet asked. The sweep tries the rest again.
      context.log.warning("volume cannot be unstaged yet", ["volume": target.volume.text, "reason": error.message])
    }
  }

  private func takeOff(_ target: PublishTarget) async throws(VolumeError) {
    guard let path = try await context.system.resolve(root: target.root, components: target.components) else { return }
    let layers = try await context.measure(target.kind.takingDown) { () async throws(VolumeError) in
      try await context.system.unmountAll(path)
    }
    try await context.steps.reach(target.kind.takenDown)
    if layers > 0 { context.log.notice(target.kind.messages.undone, ["volume": target.volume.text, "path": path]) }
  }
}
