internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Removes volumes that are proven dead. Rule 3 of the design lives here.
struct Reclaimer: Sendable {
  let context: NodeContext

  /// Removes the volume for good: its data is gone afterwards. No such volume is success.
  ///
  /// The proofs, each with a message of its own: our tag; the claim's UID when one is given; not retained; older than
  /// the grace time; mounted nowhere in our mount namespace; held by nobody in any other.
  ///
  /// - Parameter regardlessOfAge: whether the caller has seen the volume's PV, which the grace time is to wait for.
  func remove(
    _ name: VolumeName, claim: ClaimUID?, regardlessOfAge: Bool = false
  ) async throws(VolumeError) -> Outcome<VolumeName> {
    let whileBusy = { (run: LongRun) async throws(VolumeError) -> Outcome<VolumeName>? in
      try await end(run, claim, regardlessOfAge: regardlessOfAge)
      return nil
    }
    return try await context.withLock(name, whileBusy: whileBusy) { () async throws(VolumeError) in
      // One that can not be read is looked at by somebody first.
      _ = try context.permits.permit(for: name)
      guard let volume = try await context.engine.volume(name) else {
        try context.permits.remove(name)
        return .unchanged(name)
      }
      try requireDead(volume, claim)
      if !regardlessOfAge { try requireOld(volume) }
      try await requireUnused(volume)
      try await Stager(context: context).unstageIfUnused(name)
      guard try await context.system.mounts(at: context.settings.stagingPath(of: name)).isEmpty else {
        throw VolumeError(.inUse, "volume \(name) is in use: it can not be unstaged; it is kept")
      }
      // Unstaging may have released the device: look at what there is now.
      try await requireNotHeld(try await context.engine.volume(name) ?? volume)
      try await context.steps.reach(.removalProven)
      let outcome = try await context.measure(.remove) { () async throws(VolumeError) in
        try await context.engine.remove(volume)
      }
      try await context.steps.reach(.volumeRemoved)
      // Of a creation that never ended; without its volume the permit speaks for nothing.
      try context.permits.remove(name)
      if outcome.isChange {
        context.log.notice("volume removed", ["volume": name.text, "size": "\(volume.size)", "group": volume.group])
      }
      return outcome.isChange ? .changed(name) : .unchanged(name)
    }
  }

  /// Sets or clears the mark that keeps a volume from being removed.
  func setRetained(_ name: VolumeName, _ isRetained: Bool) async throws(VolumeError) {
    try await context.withLock(name) { () async throws(VolumeError) in
      guard let volume = try await context.engine.volume(name) else {
        throw VolumeError(.notFound, "volume \(name) does not exist on node \(context.settings.nodeName)")
      }
      let outcome = try await context.engine.setRetained(volume, isRetained)
      if outcome.isChange {
        context.log.notice(isRetained ? "volume retained" : "volume no longer retained", ["volume": name.text])
      }
    }
  }

  /// Ends a program that works on the volume, once it is proven that the volume may go. What it has begun it undoes itself.
  private func end(_ run: LongRun, _ claim: ClaimUID?, regardlessOfAge: Bool) async throws(VolumeError) {
    guard let volume = try await context.engine.volume(run.volume) else {
      return try await run.wait(until: context.deadline)
    }
    try requireDead(volume, claim)
    if !regardlessOfAge { try requireOld(volume) }
    try await requireUnused(volume)
    if !run.hasEnded {
      context.log.notice(
        "program ended: its volume is to be removed", ["volume": run.volume.text, "phase": run.phase.rawValue])
    }
    run.cancel()
    do throws(VolumeError) { try await run.wait(until: context.deadline) } catch {
      // Only that it has ended counts.
      if !run.hasEnded { throw error }
    }
  }

  private func requireDead(_ volume: StoredVolume, _ claim: ClaimUID?) throws(VolumeError) {
    let marks = try volume.requireOurs(to: "remove")
    if let claim, marks.claim != claim {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) belongs to claim \(marks.claim?.text ?? "(none)"), not to \(claim); it is kept")
    }
    if marks.isRetained { throw StoredVolume.retained(volume.name) }
  }

  private func requireOld(_ volume: StoredVolume) throws(VolumeError) {
    guard let createdAt = volume.createdAt else { return }
    let age = context.now() - createdAt
    let grace = context.settings.reclaimGrace
    if age < grace {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) was made \(Int(age.inSeconds)) s ago; it is kept for \(Int(grace.inSeconds)) s at least "
          + "(--reclaim-grace), since its PV may not be visible yet")
    }
  }

  private func requireUnused(_ volume: StoredVolume) async throws(VolumeError) {
    let staging = context.settings.stagingPath(of: volume.name)
    // By the device, and by name: a device whose node is lost has no number to look for.
    let named = "/\(ProductNames.escapedDriver)/\(volume.name)"
    let global = "/" + TargetPath.globalComponents(of: volume.name).joined(separator: "/")
    let users =
      try await context.system.mounts(of: volume.location).map(\.mountPoint).filter { $0 != staging }
      + context.system.allMounts().map(\.mountPoint).filter { $0.hasSuffix(named) || $0.hasSuffix(global) }
    guard users.isEmpty else {
      throw VolumeError(
        .inUse, "volume \(volume.name) is in use: mounted at \(Set(users).sorted().joined(separator: ", ")); it is kept"
      )
    }
  }

  private func requireNotHeld(_ volume: StoredVolume) async throws(VolumeError) {
    let isHeld: Bool
    switch volume.location {
    case .device(let device): isHeld = volume.isActive ? try await context.system.isHeld(device) : false
    case .directory(let path): isHeld = try await context.system.isMountedAnywhere(path)
    }
    guard isHeld else { return }
    throw VolumeError(
      .inUse,
      "volume \(volume.name) is in use: something outside this mount namespace holds it (a container, a device mapper table, "
        + "a process); it is kept")
  }
}
