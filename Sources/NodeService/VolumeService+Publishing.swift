internal import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Telemetry

// Publishing a volume at a target and unpublishing it: ensure, stage, publish.
extension VolumeService {
  /// Ensures that the volume is mounted at the target. Success, and unchanged, if it is already. A failure leaves
  /// nothing behind.
  ///
  /// - Returns: the answer, for ``takeBack(_:)``; `unchanged` if the volume was mounted before.
  /// - Throws: ``VolumeError``; `inProgress` if a program runs longer than the call, `cancelled` if the caller
  ///   disconnects, `conflict` if another device is mounted at the target.
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
    throw VolumeError(.notFound, "\(target.path) does not exist; kubelet creates it before the call")
  }

  /// The mount at the directory, if it already shows the volume with no more access than requested.
  ///
  /// - Throws: `conflict` if another device is mounted there.
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
    // The mount is of an earlier release, or its access has become read-only since: it is unmounted and mounted again.
    _ = try await context.system.unmountAll(path)
    return nil
  }

  /// - Returns: the source of the mount.
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

  /// The flags that the mount at the target adds to those of its source. The source of a directory volume is not a
  /// mount of ours, so its bind needs all flags.
  private func flags(_ request: VolumeRequest, _ target: PublishTarget) -> MountFlags {
    guard target.kind == .bind else { return [] }
    let own: MountFlags = context.engine.kind == .directory ? request.options.mountOptions.kernelForm.flags : []
    return request.access == .readOnly ? own.union(.readOnly) : own
  }

  /// Checks that the staging path shows the volume. If something is mounted over it, the bind would show that, and a
  /// pod would write to another disk.
  private func requireShown(
    _ volume: StoredVolume, at path: String, _ source: String
  ) async throws(VolumeError) -> MountEntry {
    let mounts = try await context.system.mountView(of: [volume.location])
    if let top = mounts.top(at: path), isWhole(top, volume, among: mounts.ofVolume) { return top }
    throw VolumeError(
      .conflict,
      "what is visible at \(source) is not volume \(volume.name): something is mounted at it or above it. Unmount that. If the "
        + "state directory was moved, restart the daemon")
  }

  /// Whether a mount shows the volume from its root directory.
  private func isWhole(_ entry: MountEntry, _ volume: StoredVolume, among mounts: [MountEntry]) -> Bool {
    if case .device = volume.location, entry.root != "/" { return false }
    return mounts.contains(entry)
  }
}

// MARK: - Unpublishing

extension VolumeService {
  /// Unmounts the volume from the target. If it is not mounted, or does not exist, that is success, because kubelet
  /// repeats the call until it succeeds.
  ///
  /// - Throws: ``VolumeError``; `inUse` if the mount is in use.
  package func unpublish(_ target: PublishTarget) async throws(VolumeError) {
    try await context.withLock(target.volume, whileBusy: { _ async throws(VolumeError) in try await detach(target) }) {
      () async throws(VolumeError) in try await takeDown(target)
    }
  }

  /// Takes a mount back if its caller did not get the answer, unless a later call has been answered with `mounted`.
  ///
  /// - Returns: whether the mount was taken back.
  /// - Throws: ``VolumeError`` if it cannot be unmounted.
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

  /// Unmounts the target while a program works on the volume. The program's caller or its end then unstages the volume.
  /// A volume that is formatted or checked is mounted nowhere, and one that grows does so through our own mount.
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
      // The pod's directory is unmounted, which is all that kubelet asked for. The sweep tries the rest again.
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
