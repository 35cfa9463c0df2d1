internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// mkfs, once in the lifetime of a volume.
extension VolumePreparer {
  func format(
    _ volume: StoredVolume, _ device: String, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> FileSystemKind {
    guard var permit = try permits.permit(for: volume.name), permit.creation == volume.marks?.creation else {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) has no file system and no format permit, so it is not formatted. If it held "
          + "data, restore its superblock (e2fsck -b, xfs_repair). Otherwise remove it: "
          + "elastic-local-node remove \(volume.name)")
    }
    if try await context.system.isHeld(device) {
      throw VolumeError(.inUse, "volume \(volume.name) is blank but \(device) is in use by another program; try again")
    }
    if permit.progress != .formatting {
      permit.progress = .formatting
      try permits.write(permit)
    }
    try checkCancellation(volume.name)
    // From here on the device contains nothing, an incomplete file system, or an empty one that was never used.
    let (engine, permits) = (engine, permits)
    rollback.add("the format of volume \(volume.name)") { () async throws(VolumeError) in
      _ = try await engine.remove(volume)
      try permits.remove(volume.name)
    }
    try await context.steps.reach(.formatPermitted)
    let kind = options.fileSystemToMake
    let identity = permit.creation.fileSystemIdentity
    try await context.perform(.formatting, on: volume.name, &rollback) { [context] progress async throws(VolumeError) in
      do throws(VolumeError) {
        try await Self.makeFileSystem(kind, on: device, identity, volume.name, options, context, progress)
      } catch {
        throw await Self.undoFormatting(of: volume, context, after: error)
      }
    }
    return kind
  }

  private static func makeFileSystem(
    _ kind: FileSystemKind, on device: String, _ identity: FileSystemIdentity, _ name: VolumeName,
    _ options: VolumeOptions, _ context: NodeContext, _ progress: ToolProgress
  ) async throws(VolumeError) {
    try await context.measure(.format) { () async throws(VolumeError) in
      try await context.system.makeFileSystem(
        kind, on: device, identity: identity,
        options: kind.standardMkfsOptions + options.mkfsOptions.arguments, deadline: context.configuration.toolDeadline,
        progress: progress)
    }
    context.log.notice("volume formatted", ["volume": name.text, "fileSystem": kind.rawValue])
    try await context.steps.reach(.formatted)
    try context.permits.remove(name)
    try await context.steps.reach(.permitRemoved)
  }

  /// Removes the volume after a failed mkfs, and its permit. The volume was never used. If this fails, the permit
  /// stays, and the next call or start settles by it.
  private static func undoFormatting(
    of volume: StoredVolume, _ context: NodeContext, after error: VolumeError
  ) async -> VolumeError {
    await undone(after: error) { () async throws(VolumeError) in
      _ = try await context.engine.remove(volume)
      try context.permits.remove(volume.name)
    }
  }

  /// Undoes steps after an error, and returns that error, with the failure of the undo if there is one.
  ///
  /// Runs in its own task, because the step may have failed by the cancellation of this one.
  static func undone(
    after error: VolumeError, _ undo: @escaping @Sendable () async throws(VolumeError) -> Void
  ) async -> VolumeError {
    await Task.detached {
      do throws(VolumeError) {
        try await undo()
        return error
      } catch let failure {
        return VolumeError(
          error.code, "\(error.message); undoing it failed as well: \(failure.message)",
          cause: RollbackError(original: error, rollback: failure))
      }
    }.value
  }
}
