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
  /// restored from a backup can hold a permit that was used up long ago. So nothing that could be mounted is removed,
  /// unless it is a file system that was not made under this permit and lies where nothing was made yet.
  ///
  /// - Throws: `unsafe` when the volume holds something else, or is mounted: it is left alone, with its permit.
  func settleInterruptedCreation(of name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name) else { return }
    if let volume = try await engine.volume(name), volume.marks?.creation == permit.creation {
      let mounts = try await context.system.mounts(of: volume.location)
      guard mounts.isEmpty else {
        throw VolumeError(
          .unsafe,
          "volume \(name) was not finished, yet it is mounted at \(mounts[0].mountPoint); it is left alone")
      }
      if try await isFinished(volume, permit) {
        context.log.notice("interrupted creation was complete", ["volume": name.text])
      } else {
        _ = try await engine.remove(volume)
        context.log.notice("interrupted creation undone", ["volume": name.text])
      }
    }
    try permits.remove(name)
  }

  /// The same for the next call, which goes on with a volume that was cleared: nothing has been done to it since.
  func settleUnlessCleared(_ name: VolumeName) async throws(VolumeError) {
    guard let permit = try permits.permit(for: name), permit.progress != .cleared else { return }
    try await settleInterruptedCreation(of: name)
  }

  private func isFinished(_ volume: StoredVolume, _ permit: FormatPermit) async throws(VolumeError) -> Bool {
    let active: StoredVolume
    do throws(VolumeError) {
      active = volume.isActive ? volume : try await engine.activate(volume).value
    } catch {
      // A thin volume of which its pool knows nothing holds nothing.
      guard volume.isThin, error.code == .notFound else { throw error }
      return false
    }
    switch active.location {
    case .directory(let path): return try await !context.system.directories(in: path).isEmpty
    case .device(let device):
      let contents = try await context.system.contents(of: device)
      if contents == .blank || isFormerTenants(contents, permit) { return false }
      guard case .fileSystem(let type, _, _) = contents, let kind = FileSystemKind(rawValue: type),
        permit.progress != .planned || kind.takesUUID
      else { throw unknown(contents, on: volume) }
      return try await context.system.isFinished(kind, on: device)
    }
  }

  /// Whether it is certain that what was found lay there before the volume was made: the volume was not seen to be
  /// cleared, and this is not known by what our mkfs would have called it. Where mkfs can not be told what to call it,
  /// nothing is certain.
  private func isFormerTenants(_ contents: DeviceContents, _ permit: FormatPermit) -> Bool {
    guard permit.progress == .planned else { return false }
    guard case .fileSystem(let type, let uuid, _) = contents, let kind = FileSystemKind(rawValue: type) else {
      return true
    }
    return kind.takesUUID && uuid != permit.creation.fileSystemUUID
  }

  private func unknown(_ contents: DeviceContents, on volume: StoredVolume) -> VolumeError {
    VolumeError(
      .unsafe,
      "the making of volume \(volume.name) was interrupted, and now it holds \(contents.inWords), which nothing proves to "
        + "be ours or a former tenant's; it is left alone. Look at it with wipefs --no-act; to give it up, wipe it and "
        + "remove it with elastic-local-node remove")
  }
}
