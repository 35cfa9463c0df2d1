internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Removes volumes that are proven unused. Rule 3 of the design is implemented here.
struct Reclaimer: Sendable {
  let context: NodeContext

  /// How long a confirmation is valid: longer than an LVM command of another volume usually takes.
  private static let validity = Duration.seconds(10)

  typealias Warrant = VolumeService.Warrant

  /// Removes the volume for good; its data is gone afterwards. A volume that does not exist is success.
  ///
  /// The proofs, each with its own message: our tag; the instance or the claim's UID; not retained; for an operator's
  /// request, older than the grace time; not mounted in our mount namespace; not held in any other.
  ///
  /// - Parameter confirm: called last before the removal. If it throws, the volume is kept.
  func remove(
    _ name: VolumeName, _ warrant: Warrant,
    confirming confirm: @Sendable () async throws(VolumeError) -> Void
  ) async throws(VolumeError) -> Outcome<VolumeName> {
    let whileBusy = { (run: LongRun) async throws(VolumeError) -> Outcome<VolumeName>? in
      try await end(run, warrant)
      return nil
    }
    return try await context.withLock(name, whileBusy: whileBusy) { () async throws(VolumeError) in
      // An unreadable permit must first be checked by an operator.
      _ = try context.permits.permit(for: name)
      guard let volume = try await context.engine.volume(name) else {
        try context.permits.remove(name)
        return .unchanged(name)
      }
      try requireDead(volume, warrant)
      try await requireUnused(volume)
      try await Stager(context: context).unstageIfUnused(name)
      guard try await context.system.top(at: context.configuration.stagingPath(of: name)) == nil else {
        throw VolumeError(.inUse, "volume \(name) is in use: it cannot be unstaged. It is kept")
      }
      // Unstaging may have detached the device, so the volume is read again.
      try await requireNotHeld(try await context.engine.volume(name) ?? volume)
      try await context.steps.reach(.removalProven)
      try await confirm()
      let end = MonotonicClock.now() + Self.validity
      let outcome = try await context.measure(.remove) { () async throws(VolumeError) in
        try await context.engine.remove(volume, notAfter: end)
      }
      try await context.steps.reach(.volumeRemoved)
      // Left by an interrupted creation. Without its volume the permit has no meaning.
      try context.permits.remove(name)
      if outcome.isChange {
        context.log.notice("volume removed", ["volume": name.text, "size": "\(volume.size)", "group": volume.group])
      }
      return outcome.isChange ? .changed(name) : .unchanged(name)
    }
  }

  /// Sets or clears the retained mark, which forbids removal.
  func setRetained(_ name: VolumeName, _ isRetained: Bool) async throws(VolumeError) {
    try await context.withLock(name) { () async throws(VolumeError) in
      guard let volume = try await context.engine.volume(name) else {
        throw VolumeError(.notFound, "volume \(name) does not exist on node \(context.configuration.nodeName)")
      }
      let outcome = try await context.engine.setRetained(volume, isRetained)
      if outcome.isChange {
        context.log.notice(isRetained ? "volume retained" : "volume no longer retained", ["volume": name.text])
      }
    }
  }

  /// Ends a program that works on the volume, once the volume is proven removable. The program undoes its own steps.
  private func end(_ run: LongRun, _ warrant: Warrant) async throws(VolumeError) {
    guard let volume = try await context.engine.volume(run.volume) else {
      return try await run.wait(until: context.deadline)
    }
    try requireDead(volume, warrant)
    try await requireUnused(volume)
    if !run.hasEnded {
      context.log.notice(
        "program killed because its volume is being removed", ["volume": run.volume.text, "phase": run.phase.rawValue])
    }
    run.cancel()
    do throws(VolumeError) { try await run.wait(until: context.deadline) } catch {
      // Only the end counts, not the result.
      if !run.hasEnded { throw error }
    }
  }

  private func requireDead(_ volume: StoredVolume, _ warrant: Warrant) throws(VolumeError) {
    let marks = try volume.requireOurs(to: "remove")
    switch warrant {
    case .recorded(let instance): try requireInstance(instance, of: volume)
    case .createdFor(let claim): try requireClaim(claim, of: volume, marks)
    case .byHand(let claim):
      if let claim { try requireClaim(claim, of: volume, marks) }
      try requireOld(volume)
    }
    if marks.isRetained { throw StoredVolume.retained(volume.name) }
  }

  private func requireInstance(_ instance: String, of volume: StoredVolume) throws(VolumeError) {
    guard volume.instance != instance else { return }
    throw VolumeError(
      .unsafe,
      "volume \(volume.name) is \(volume.instance), and its PV records \(instance); it is kept. Find out which of them is "
        + "needed. To remove this one: elastic-local-node remove \(volume.name)")
  }

  private func requireClaim(
    _ claim: ClaimUID, of volume: StoredVolume, _ marks: StoredVolume.Marks
  ) throws(VolumeError) {
    guard marks.claim != claim else { return }
    throw VolumeError(
      .unsafe,
      "volume \(volume.name) belongs to claim \(marks.claim?.text ?? "(none)"), not to \(claim); it is kept")
  }

  private func requireOld(_ volume: StoredVolume) throws(VolumeError) {
    guard let createdAt = volume.createdAt else { return }
    let grace = context.configuration.reclaimGrace
    var age = context.now() - createdAt
    var found = "is \(Int(age.inSeconds)) s old"
    if age < .zero {
      // The node's clock was set back, so the age is not known. The volume is at least as old as the first request
      // about it.
      age = context.unknownAges.seen(volume.name, volume.instance)
      found = "was created at \(createdAt), which is in the future of this node's clock, so its age is not known"
    }
    guard age < grace else {
      context.unknownAges.forget(volume.name)
      return
    }
    throw VolumeError(
      .unsafe,
      "volume \(volume.name) \(found). Volumes are kept for at least \(Int(grace.inSeconds)) s (--reclaim-grace) because "
        + "their PV may not be visible yet. Try again in \(Int((grace - age).inSeconds.rounded(.up))) s")
  }

  private func requireUnused(_ volume: StoredVolume) async throws(VolumeError) {
    let staging = context.configuration.stagingPath(of: volume.name)
    let mounts = try await context.system.mountView(of: [volume.location])
    // By device and by name, because a device whose node is lost has no number to search for.
    let named = mounts.table.entries.map(\.mountPoint).filter { mountPoint in
      context.doors.contains { $0.claims(mountPoint, for: volume.name) }
    }
    let users = mounts.ofVolume.map(\.mountPoint).filter { $0 != staging } + named
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
    let holders = try await context.system.holders(of: volume.location)
    throw VolumeError(
      .inUse,
      "volume \(volume.name) is in use by "
        + (holders.isEmpty
          ? "something outside this mount namespace (a container, a device mapper table, a process)"
          : holders.joined(separator: ", ")) + "; it is kept")
  }
}
