internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
package import StorageModel

// A volume without a claim.
extension KeptVolumeKeeper {
  func process(volume name: String) async throws(WriteFailure) -> Ending {
    guard let known = volumes[name] else { return .done }
    switch step(for: known) {
    case .none: return .done
    case .wait(let wait): return .again(after: min(wait, Self.longestWait))
    case .reserve, .recordTime, .announce, .expire, .deleteData, .complain: break
    }
    // What follows is decided by what the API server has now, not by what a watch has shown.
    guard let volume = try await writes.keptVolume(name), let now = KeptVolume(volume), now.uid == known.uid else {
      return .done
    }
    // If the claim goes before it is bound, the PV stays Released, and no watch shows a change of it.
    guard try await isUnclaimed(now) else { return .again(after: Self.claimPause) }
    if !now.isToBeDeleted, try await hasLastWord(now) {
      // Its watch brings it back.
      try await writes.recordDeletion(on: volume)
      return .done
    }
    return try await take(KeptReview.step(for: now, clocks), now, volume)
  }

  /// A clock that is set wakes nobody, so the time is compared again after this at the latest.
  private static let longestWait = Duration.seconds(3600)

  private static let claimPause = Duration.seconds(60)

  private var clocks: KeptReview.Clocks { .init(server: writes.serverTime, own: time.wallClock) }

  private func step(for volume: KeptVolume) -> KeptStep {
    let step = KeptReview.step(for: volume, clocks)
    // A word that is not recorded yet is a reason to look.
    guard volume.isKept, volume.phase == "Released" || volume.phase == "Failed", !volume.isToBeDeleted,
      lastWords[volume.name] != nil || volume.claim.flatMap({ namespaces[$0.namespace] })?.isDeletingData == true
    else { return step }
    return .deleteData
  }

  /// Whether the claim that the PV names is gone. Names are used again, UIDs are not: what was true once stays true.
  private func isUnclaimed(_ volume: KeptVolume) async throws(WriteFailure) -> Bool {
    guard volume.isReserved, let key = volume.claim, let claim = try await writes.keptClaim(key) else { return true }
    return claim.metadata.uid != volume.claimUID
  }

  /// Whether its claim went with the word that the data is to be deleted, or its namespace says so now.
  private func hasLastWord(_ volume: KeptVolume) async throws(WriteFailure) -> Bool {
    if let uid = lastWords[volume.name] {
      if uid == volume.claimUID { return true }
      lastWords[volume.name] = nil
    }
    guard let namespace = volume.claim?.namespace, namespaces[namespace]?.isDeletingData == true,
      let now = try await writes.keptNamespace(namespace).map(KnownNamespace.init)
    else { return false }
    return now.isDeletingData && now.identity == volume.identity
  }

  private func take(
    _ step: KeptStep, _ kept: KeptVolume, _ volume: PersistentVolume
  ) async throws(WriteFailure) -> Ending {
    switch step {
    case .none: return .done
    case .wait(let wait): return .again(after: min(wait, Self.longestWait))
    case .reserve: try await reserve(kept, volume)
    case .recordTime:
      // Not this machine's clock: the next leader's may be another.
      guard let now = writes.serverTime else { return .again(after: .seconds(60)) }
      try await writes.record(now, on: volume)
      logLine("volume kept", values(kept, ["keep": kept.keep.description]))
    case .announce(let end): try await announce(end, kept, volume)
    case .expire:
      try await end(kept, volume, "its time is over")
      sendEvent(
        kept, volume, .keptVolumeExpired, "its time (\(kept.keep)) is over: the volume and its data are deleted")
    case .deleteData:
      try await end(kept, volume, "its owner has said so")
    case .complain(let text):
      sendEvent(
        kept, volume, .keptVolumeConflict,
        "annotation \(ClusterNames.expiresAnnotation) is \(quoted(text)), which is no time; the volume does not expire. Write it as "
          + "2026-12-31T00:00:00Z, or remove it")
    }
    return .done
  }

  private func reserve(_ kept: KeptVolume, _ volume: PersistentVolume) async throws(WriteFailure) {
    guard let claim = kept.claim else {
      return sendEvent(
        kept, volume, .keptVolumeConflict,
        "the PV says for no claim that it is kept: write \(ClusterNames.keptClaimAnnotation): namespace/name")
    }
    try await writes.reserve(volume, for: claim)
    logLine("kept volume reserved again", values(kept), isWarning: true)
    sendEvent(
      kept, volume, .keptVolumeConflict,
      "the PV named no claim with a UID, so any claim could have had it; it is reserved again. To give it to a claim, write "
        + "\(ClusterNames.giveToAnnotation): namespace/name")
  }

  private func announce(_ end: Timestamp, _ kept: KeptVolume, _ volume: PersistentVolume) async throws(WriteFailure) {
    try await writes.record(end: end, on: volume)
    logLine("kept volume ends soon", values(kept, ["expires": end.rfc3339]), isWarning: true)
    sendEvent(
      kept, volume, .keptVolumeExpiring,
      "no claim has had the volume for nearly \(kept.keep): it is deleted with its data after \(end.rfc3339), unless its claim "
        + "comes back. To keep it longer, change annotation \(ClusterNames.expiresAnnotation)")
  }

  private func end(_ kept: KeptVolume, _ volume: PersistentVolume, _ reason: String) async throws(WriteFailure) {
    try await writes.endKeeping(of: volume)
    ended += 1
    logLine("kept volume is deleted", values(kept, ["reason": reason]), isWarning: true)
  }

  private func values(_ kept: KeptVolume, _ more: [String: String] = [:]) -> [String: String] {
    let values = [
      "volume": kept.name, "claim": kept.claim?.description ?? "", "size": "\(kept.size)",
      "node": kept.hostname ?? "",
    ]
    return values.merging(more) { _, new in new }
  }

  /// Records an Event on the PV and on the claim that it was kept for, since the owner of the data may look at either.
  private func sendEvent(_ kept: KeptVolume, _ volume: PersistentVolume, _ reason: EventReason, _ message: String) {
    writes.sendEvent(volume.reference, reason, message)
    if let claim = volume.claim, !claim.namespace.isEmpty { writes.sendEvent(claim, reason, message) }
  }
}

// MARK: - For metrics

/// What is kept without a claim.
package struct KeptFigures: Sendable {
  /// How many volumes, and their size, by the hostname of their node; empty for those without one.
  package var volumes: [String: (count: Int, size: ByteCount)] = [:]
  /// Those whose end has been announced.
  package var expiring = 0
  /// Volumes whose keeping has ended, by time or by word.
  package var ended = 0
}

extension KeptVolumeKeeper {
  /// For metrics and status.
  package var figures: KeptFigures {
    var figures = KeptFigures()
    figures.ended = ended
    for volume in volumes.all where volume.isKept && volume.isUnbound {
      let node = volume.hostname ?? ""
      let former = figures.volumes[node] ?? (0, .zero)
      figures.volumes[node] = (former.count + 1, former.size + volume.size)
      if case .at = volume.expires { figures.expiring += 1 }
    }
    return figures
  }
}
