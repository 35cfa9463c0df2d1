internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Settling an interrupted creation. Its permit shows the minimum progress, and the volume shows its content.
extension VolumePreparer {
  /// Settles an interrupted creation. The volume is removed if it is blank, if it contains the data of a former volume,
  /// or if its file system is not finished. If the file system is finished, the volume is kept and the next call uses
  /// it.
  ///
  /// The permit alone proves that the volume was never mounted, with one exception: a state directory that was restored
  /// from a backup can contain a permit that was used up long ago. So a volume that is known to be finished, by its PV
  /// or by its file system, is kept. Otherwise a mountable volume is removed only if its permit is still `planned` and
  /// its file system does not carry our token.
  ///
  /// - Throws: `unsafe` if the volume has other content or is mounted. The volume and its permit then stay.
  func settleInterruptedCreation(of name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name) else { return }
    if let volume = try await engine.volume(name), volume.marks?.creation == permit.creation {
      // A clone may have been mounted for its completion.
      if volume.marks?.origin != nil { try await Stager(context: context).unstageIfUnused(name) }
      try await settle(volume, permit)
    }
    try permits.remove(name)
  }

  /// Like ``settleInterruptedCreation(of:)``, for the next call. A cleared volume stays, and the call continues with
  /// it, because it has not been changed since.
  func settleUnlessCleared(_ name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name), permit.progress != .cleared else { return }
    try await settleInterruptedCreation(of: name)
  }

  private func settle(_ volume: StoredVolume, _ permit: FormatPermit) async throws(VolumeError) {
    if context.cluster.instance(createdFor: volume.name) == volume.instance {
      return context.log.notice("volume is finished according to its PV", ["volume": volume.name.text])
    }
    let mounts = try await context.system.mounts(of: volume.location)
    let found = try await find(on: volume, permit, isMounted: !mounts.isEmpty)
    guard mounts.isEmpty || found == .ours else {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) was not finished, but it is mounted at \(mounts[0].mountPoint); it is left alone. "
          + "Unmount it; the next call then checks it again")
    }
    switch found {
    case .nothing:
      _ = try await engine.remove(volume)
      context.log.notice("interrupted creation undone", ["volume": volume.name.text])
    case .ours:
      if mounts.isEmpty { try await engine.detach(volume.name) }
      context.log.notice("interrupted creation was complete", ["volume": volume.name.text])
    case .unknown(let contents):
      throw VolumeError(
        .unsafe,
        "the creation of volume \(volume.name) was interrupted, and now it holds \(contents.inWords), which this driver did "
          + "not create; it is left alone. Check it with wipefs --no-act. If you need the data, copy it first. To remove the "
          + "volume: elastic-local-node remove \(volume.name)")
    }
  }

  /// The content that an interrupted creation has left.
  private enum Found: Equatable {
    /// Nothing of value.
    case nothing
    /// The file system that was to be created.
    case ours
    /// Data that this driver has not written.
    case unknown(DeviceContents)
  }

  /// - Parameter isMounted: if true, only a file system with our identity counts as the one that was to be created.
  private func find(
    on volume: StoredVolume, _ permit: FormatPermit, isMounted: Bool
  ) async throws(VolumeError) -> Found {
    let active: StoredVolume
    do throws(VolumeError) {
      active = volume.isActive ? volume : try await engine.activate(volume).value
    } catch {
      // A thin volume that is unknown to its thin pool contains nothing.
      guard volume.isThin, error.code == .notFound else { throw error }
      return .nothing
    }
    switch active.location {
    case .directory(let path): return try await context.system.directories(in: path).isEmpty ? .nothing : .ours
    case .device(let device): return try await find(on: device, permit, isMounted: isMounted)
    }
  }

  private func find(
    on device: String, _ permit: FormatPermit, isMounted: Bool
  ) async throws(VolumeError) -> Found {
    let identity = permit.creation.fileSystemIdentity
    let contents = try await context.system.contents(of: device, knownAs: identity)
    if contents == .blank { return .nothing }
    // If the permit is still `planned`, a file system without our identity is a former volume's.
    if permit.progress == .planned || isMounted, !contents.bears(identity) { return .nothing }
    // An administrator may have changed the UUID since.
    guard case .fileSystem(let type, _, _) = contents, let kind = FileSystemKind(rawValue: type) else {
      return .unknown(contents)
    }
    return try await context.system.isFinished(kind, on: device) ? .ours : .nothing
  }
}
