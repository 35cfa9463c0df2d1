internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// A volume that exists, ours or not.
extension VolumePreparer {
  /// Adopts a volume of the Go program; refuses everything else that is not ours.
  func ensureOurs(
    _ found: StoredVolume, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    guard case .foreign(let isAdoptable, let kind) = found.ownership else {
      // The engine is not asked for what is there already: it may be stuck on another volume.
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
            + "of ours; it is neither adopted nor formatted. Rename or remove it by hand if it is not wanted")
      }
    }
    let adopted = try await engine.adopt(active, claim: ClaimUID(provisioned: found.name)).value
    context.log.notice("volume adopted", ["volume": found.name.text, "group": found.group])
    try await context.steps.reach(.volumeAdopted)
    return try await engine.activate(adopted).value
  }

  /// An engine holds something for a device that is there; nobody is to hold it for a call that failed.
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

  /// A volume that the host or another program uses is not the Go program's left-over: adopting it would show its data
  /// to a pod. Mounts at kubelet's directories for this very volume are the Go program's.
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
        "volume \(volume.name) in \(volume.group) exists without our tag and something outside this mount namespace holds "
          + "it; it is not adopted")
    }
  }
}
