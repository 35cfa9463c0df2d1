internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// What becomes of a creation that did not come to its end. Its permit says how far it was at least, and the volume what
/// is on it.
extension VolumePreparer {
  /// Settles a creation that was interrupted: a volume that is still blank, holds what a former tenant left, or a file
  /// system that says of itself that it is not finished, is removed; one with a finished file system is kept, for the
  /// next call to use.
  ///
  /// The permit alone would prove that the volume was never mounted, but for one case: a state directory that was
  /// restored from a backup can hold a permit that was used up long ago. So a volume that is known to have been finished,
  /// by its PV or by its file system, is kept, and of others nothing is removed that could be mounted, unless it lies
  /// where nothing had been made yet and is not what would have been made.
  ///
  /// - Throws: `unsafe` when the volume holds something else, or is mounted: it is left alone, with its permit.
  func settleInterruptedCreation(of name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name) else { return }
    if let volume = try await engine.volume(name), volume.marks?.creation == permit.creation {
      try await settle(volume, permit)
    }
    try permits.remove(name)
  }

  /// The same for the next call, which goes on with a volume that was cleared: nothing has been done to it since.
  func settleUnlessCleared(_ name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name), permit.progress != .cleared else { return }
    try await settleInterruptedCreation(of: name)
  }

  private func settle(_ volume: StoredVolume, _ permit: FormatPermit) async throws(VolumeError) {
    if context.cluster.instance(madeFor: volume.name) == volume.instance {
      return context.log.notice("volume is finished, as its PV says", ["volume": volume.name.text])
    }
    let mounts = try await context.system.mounts(of: volume.location)
    let found = try await find(on: volume, permit, isMounted: !mounts.isEmpty)
    guard mounts.isEmpty || found == .ours else {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) was not finished, yet it is mounted at \(mounts[0].mountPoint); it is left alone. When "
          + "nothing has it mounted any more it is looked at again")
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
        "the making of volume \(volume.name) was interrupted, and now it holds \(contents.inWords), which we did not make; "
          + "it is left alone. Look at it with wipefs --no-act. To give it up: elastic-local-node remove \(volume.name). If "
          + "it is data that is wanted, take it from there first")
    }
  }

  /// What an interrupted creation has left.
  private enum Found: Equatable {
    /// Nothing that anybody could miss.
    case nothing
    /// What was to be made.
    case ours
    /// Something that nobody here has made.
    case unknown(DeviceContents)
  }

  /// - Parameter isMounted: then only what bears its name is taken for what was to be made.
  private func find(
    on volume: StoredVolume, _ permit: FormatPermit, isMounted: Bool
  ) async throws(VolumeError) -> Found {
    let active: StoredVolume
    do throws(VolumeError) {
      active = volume.isActive ? volume : try await engine.activate(volume).value
    } catch {
      // A thin volume of which its pool knows nothing holds nothing.
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
    // Where nothing had been made yet, what does not bear its name is a former tenant's.
    if permit.progress == .planned || isMounted, !contents.bears(identity) { return .nothing }
    // Somebody may have named it anew since.
    guard case .fileSystem(let type, _, _) = contents, let kind = FileSystemKind(rawValue: type) else {
      return .unknown(contents)
    }
    return try await context.system.isFinished(kind, on: device) ? .ours : .nothing
  }
}
