internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// An existing volume, ours or not.
extension VolumePreparer {
  /// Adopts a volume of the Go program. Refuses any other volume that is not ours.
  func ensureOurs(
    _ found: StoredVolume, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    guard case .foreign(let isAdoptable, let kind) = found.ownership else {
      // The engine is not called for an active volume, because it may be stuck on another one.
      return found.isActive ? found : try await activated(found, &rollback)
    }
    guard isAdoptable else {
      throw VolumeError(
        .unsafe, "volume \(found.name) in \(found.group) exists, is not ours and is a \(kind); it is left alone")
    }
    let active = try await activated(found, &rollback)
    if case .device(let device) = active.location {
      try await requireUnusedByOthers(active, device)
      let contents = try await context.system.contents(of: device, knownAs: nil)
      guard case .fileSystem(let type, _, _) = contents, FileSystemKind(rawValue: type) != nil else {
        throw VolumeError(
          .unsafe,
          "volume \(found.name) in \(found.group) exists without our tag and holds \(contents.inWords), not a file system "
            + "of ours; it is neither adopted nor formatted. Rename it, or remove it by hand if you do not need it")
      }
    }
    let adopted = try await engine.adopt(active, claim: ClaimUID(provisioned: found.name)).value
    context.log.notice("volume adopted", ["volume": found.name.text, "group": found.group])
    try await context.steps.reach(.volumeAdopted)
    return try await engine.activate(adopted).value
  }

  /// Activates a volume. Rolling back undoes the activation, because an engine keeps a device attached, and a failed
  /// call must not leave that.
  private func activated(
    _ volume: StoredVolume, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    let outcome = try await engine.activate(volume)
    guard outcome.isChange else { return outcome.value }
    let engine = engine
    rollback.add("the activation of volume \(volume.name)") { () async throws(VolumeError) in
      try await engine.detach(volume.name)
    }
    return outcome.value
  }

  /// Checks that no host or other program uses the volume. If one does, the volume is not the Go program's, and
  /// adopting it would show its data to a pod. Mounts at kubelet's directories for exactly this volume are the Go
  /// program's.
  private func requireUnusedByOthers(_ volume: StoredVolume, _ device: String) async throws(VolumeError) {
    let mounts = try await context.system.mounts(of: volume.location).map(\.mountPoint)
    let foreign = mounts.first { mount in
      !context.doors.contains { $0.isPodDirectory(mount, of: volume.name) }
    }
    if let foreign {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) in \(volume.group) exists without our tag and is mounted at \(quoted(foreign)); it is not "
          + "adopted. If it is a volume of the Go program, unmount it there first")
    }
    if mounts.isEmpty, try await context.system.isHeld(device) {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) in \(volume.group) exists without our tag and is in use outside this mount namespace; "
          + "it is not adopted")
    }
  }
}
