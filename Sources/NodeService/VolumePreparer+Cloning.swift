internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// A volume that begins as a copy of another one.
extension VolumePreparer {
  /// Creates the volume as a clone, with a file system that can be mounted beside its origin's.
  ///
  /// The permit stays `planned` until the clone is complete. Its file system gets the identity of the permit's token last. So
  /// an interrupted clone is settled like any interrupted creation: without the identity it holds nothing of its own, and
  /// is removed; with it, it is complete.
  func clone(
    _ request: VolumeRequest, _ size: ByteCount, of origin: CloneOrigin, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    let (name, context, engine) = (request.name, context, engine)
    // Before its lock is asked for: nobody waits for the lock of a volume that does not exist, see `VolumeLocks`.
    _ = try origin.require(try await engine.volume(origin.name), for: name)
    let permit = try await writePermit(for: request, &rollback)
    let creation = CreationRequest(request, size, permit)
    let copy = try await context.withLock(origin.name) { () async throws(VolumeError) in
      try await takeCopy(of: origin, creation, request.options.fileSystem)
    }
    guard copy.outcome.isChange else {
      // Another program has created a volume of that name since the check.
      try permits.remove(name)
      return try await ensureOurs(copy.outcome.value, &rollback)
    }
    let volume = copy.outcome.value
    rollback.add("the clone \(name)") { () async throws(VolumeError) in try await Self.remove(volume, context) }
    context.log.notice(
      "volume cloned",
      ["volume": name.text, "origin": origin.name.text, "size": "\(volume.size)", "group": volume.group])
    try await context.steps.reach(.volumeCloned)
    let completion = CloneCompletion(
      context: context, volume: volume, kind: copy.kind, identity: permit.creation.fileSystemIdentity,
      isLarger: volume.size > copy.originSize)
    try await context.perform(.cloning, on: name, &rollback) { progress async throws(VolumeError) in
      do throws(VolumeError) {
        try await completion.run(progress)
      } catch {
        throw await Self.undone(after: error) { () async throws(VolumeError) in
          try await Self.remove(volume, context)
          try context.permits.remove(name)
        }
      }
    }
    return try await engine.activate(volume).value
  }

  /// Removes an incomplete clone, which may be mounted for its completion.
  private static func remove(_ volume: StoredVolume, _ context: NodeContext) async throws(VolumeError) {
    try await Stager(context: context).unstageIfUnused(volume.name)
    _ = try await context.engine.remove(volume)
  }

  /// What the engine has made of an origin.
  private struct Copy {
    let outcome: Outcome<StoredVolume>
    /// The file system of both.
    let kind: FileSystemKind
    let originSize: ByteCount
  }

  /// Copies the origin. The caller holds the lock of the origin: no program checks, formats or grows its file system
  /// meanwhile, and it is not removed.
  private func takeCopy(
    of origin: CloneOrigin, _ request: CreationRequest, _ asked: FileSystemKind?
  ) async throws(VolumeError) -> Copy {
    let found = try await requireComplete(origin, for: request.name)
    let mounts = try await context.system.mounts(of: found.location)
    let kind = try await fileSystem(of: found, mounts, for: request.name)
    if let asked, asked != kind {
      throw VolumeError(
        .invalid,
        "volume \(request.name) is to be \(asked.rawValue) and a clone of volume \(origin.name), which holds \(kind.rawValue); "
          + "a clone has the file system of its origin")
    }
    // The device mapper freezes the file system for the snapshot, except a btrfs, whose device it does not know. And what
    // is written out now need not be while others wait.
    let staging = context.configuration.stagingPath(of: origin.name)
    if let mount = mounts.first(where: { $0.mountPoint == staging }) ?? mounts.first {
      try await context.system.flush(mount)
    }
    try checkCancellation(request.name)
    let outcome = try await context.measure(.clone) { () async throws(VolumeError) in
      try await engine.clone(request, of: origin)
    }
    return Copy(outcome: outcome, kind: kind, originSize: found.size)
  }

  /// The origin, if its creation has ended.
  private func requireComplete(
    _ origin: CloneOrigin, for clone: VolumeName
  ) async throws(VolumeError) -> StoredVolume {
    let found = try origin.require(try await engine.volume(origin.name), for: clone)
    if let permit = try permits.permit(for: origin.name), permit.creation == found.marks?.creation {
      throw VolumeError(
        .unavailable,
        "volume \(clone) is to be a clone of volume \(origin.name), whose creation has not ended; nothing was created. The call "
          + "is retried")
    }
    return found.isActive ? found : try await engine.activate(found).value
  }

  /// - Throws: `invalid` for a directory, `unsafe` for a volume without a file system of ours.
  private func fileSystem(
    of origin: StoredVolume, _ mounts: [MountEntry], for clone: VolumeName
  ) async throws(VolumeError) -> FileSystemKind {
    guard case .device(let device) = origin.location else {
      throw VolumeError(.invalid, "volume \(origin.name) is a directory, and directories are not cloned")
    }
    if let known = mounts.first.flatMap({ FileSystemKind(rawValue: $0.fileSystemType) }) { return known }
    let contents = try await context.system.contents(
      of: device, knownAs: origin.marks?.creation?.fileSystemIdentity)
    guard case .fileSystem(let type, _, _) = contents, let kind = FileSystemKind(rawValue: type) else {
      throw VolumeError(
        .unsafe,
        "volume \(clone) is to be a clone of volume \(origin.name), which holds \(contents.inWords), not a file system of ours; "
          + "nothing was created")
    }
    return kind
  }
}
