internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
package import StorageModel

// Kept volumes without a claim.
extension KeptVolumeKeeper {
  /// Carries out the next step for a kept volume. Waits for the API server.
  func process(volume name: String) async throws(WriteFailure) -> Ending {
    guard let known = volumes[name] else { return .done }
    switch step(for: known) {
    case .none: return .done
    case .wait(let wait): return .again(after: min(wait, Self.longestWait))
    case .reserve, .recordTime, .announce, .expire, .deleteData, .complain: break
    }
    // From here on, only what the API server has now counts. A watch may be behind.
    guard let volume = try await writes.keptVolume(name), let now = KeptVolume(volume), now.uid == known.uid else {
      return .done
    }
    // If the claim is deleted before it is bound, the PV stays Released. No watch shows that, so look again.
    guard try await isUnclaimed(now) else { return .again(after: Self.claimPause) }
    if !now.isToBeDeleted, try await hasLastWord(now) {
      // The watch shows the changed PV, and then the data is deleted.
      try await writes.recordDeletion(on: volume)
      return .done
    }
    return try await take(KeptReview.step(for: now, clocks), now, volume)
  }

  /// The longest wait for a time of day. If a clock is set meanwhile, nothing wakes the keeper earlier.
  private static let longestWait = Duration.seconds(3600)

  /// The pause before the next look at a volume whose claim exists and is not bound to it yet.
  private static let claimPause = Duration.seconds(60)

  private var clocks: KeptReview.Clocks { .init(server: writes.serverTime, own: time.wallClock) }

  private func step(for volume: KeptVolume) -> KeptStep {
    let step = KeptReview.step(for: volume, clocks)
    // A deletion request that the PV does not record yet.
    guard volume.isKept, volume.phase == "Released" || volume.phase == "Failed", !volume.isToBeDeleted,
      lastWords[volume.name] != nil || volume.claim.flatMap({ namespaces[$0.namespace] })?.isDeletingData == true
    else { return step }
    return .deleteData
  }

  /// Reads whether the claim that the PV names is gone. UIDs are never used again, so a claim that is gone stays gone.
  private func isUnclaimed(_ volume: KeptVolume) async throws(WriteFailure) -> Bool {
    guard volume.isReserved, let key = volume.claim, let claim = try await writes.keptClaim(key) else { return true }
    return claim.metadata.uid != volume.claimUID
  }

  /// Whether the claim was deleted with a deletion request, or its namespace requests the deletion now. Reads the
  /// namespace from the API server if that can matter.
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

  /// Carries out a step.
  private func take(
    _ step: KeptStep, _ kept: KeptVolume, _ volume: PersistentVolume
  ) async throws(WriteFailure) -> Ending {
    switch step {
    case .none: return .done
    case .wait(let wait): return .again(after: min(wait, Self.longestWait))
    case .reserve: try await reserve(kept, volume)
    case .recordTime:
      // Not this machine's clock: the next leader may run on a machine with another time.
      guard let now = writes.serverTime else { return .again(after: .seconds(60)) }
      try await writes.record(now, on: volume)
      logLine("volume kept", values(kept, ["keep": kept.keep.description]))
    case .announce(let end): try await announce(end, kept, volume)
    case .expire:
      try await end(kept, volume, "its time is over")
      sendEvent(
        kept, volume, .keptVolumeExpired, "its time (\(kept.keep)) is over: the volume and its data are deleted")
    case .deleteData:
      try await end(kept, volume, "annotation \(ClusterNames.deleteDataAnnotation)")
    case .complain(let text):
      sendEvent(
        kept, volume, .keptVolumeConflict,
        "annotation \(ClusterNames.expiresAnnotation) is \(quoted(text)), which is not a time; the volume does not expire. "
          + "Write a time such as 2026-12-31T00:00:00Z, or remove the annotation")
    }
    return .done
  }

  private func reserve(_ kept: KeptVolume, _ volume: PersistentVolume) async throws(WriteFailure) {
    guard let claim = kept.claim else {
      return sendEvent(
        kept, volume, .keptVolumeConflict,
        "the PV does not record the claim that it is kept for: annotate it \(ClusterNames.keptClaimAnnotation)=NAMESPACE/NAME"
      )
    }
    try await writes.reserve(volume, for: claim)
    logLine("kept volume reserved again", values(kept), isWarning: true)
    sendEvent(
      kept, volume, .keptVolumeConflict,
      "the PV named no claim with a UID, so Kubernetes could have bound it to any claim; it is reserved again. To give it "
        + "to a claim, annotate it \(ClusterNames.giveToAnnotation)=NAMESPACE/NAME")
  }

  private func announce(_ end: Timestamp, _ kept: KeptVolume, _ volume: PersistentVolume) async throws(WriteFailure) {
    try await writes.record(end: end, on: volume)
    logLine("end of a kept volume announced", values(kept, ["expires": end.rfc3339]), isWarning: true)
    sendEvent(
      kept, volume, .keptVolumeExpiring,
      "the volume has had no claim for nearly \(kept.keep): it is deleted with its data after \(end.rfc3339), unless its "
        + "claim comes back. To keep it longer, change annotation \(ClusterNames.expiresAnnotation)")
  }

  /// Ends the keeping: the provisioner then deletes the PV, and the volume with it.
  private func end(_ kept: KeptVolume, _ volume: PersistentVolume, _ reason: String) async throws(WriteFailure) {
    try await writes.endKeeping(of: volume)
    ended += 1
    logLine("keeping of a volume ended", values(kept, ["reason": reason]), isWarning: true)
  }

  private func values(_ kept: KeptVolume, _ more: [String: String] = [:]) -> [String: String] {
    let values = [
      "volume": kept.name, "claim": kept.claim?.description ?? "", "size": "\(kept.size)",
      "node": kept.hostname ?? "",
    ]
    return values.merging(more) { _, new in new }
  }

  /// Sends an Event on the PV and the same on the claim that it is kept for, because users may look at either. Does not
  /// wait.
  private func sendEvent(_ kept: KeptVolume, _ volume: PersistentVolume, _ reason: EventReason, _ message: String) {
    writes.sendEvent(volume.reference, reason, message)
    if let claim = volume.claim, !claim.namespace.isEmpty { writes.sendEvent(claim, reason, message) }
  }
}

// MARK: - For metrics

/// The numbers of kept volumes without a claim.
package struct KeptFigures: Sendable {
  /// The number of volumes and the sum of their sizes, by the hostname of their node. The key of volumes without a node
  /// is empty.
  package var volumes: [String: (count: Int, size: ByteCount)] = [:]
  /// The number of volumes whose deletion has been announced.
  package var expiring = 0
  /// The number of volumes whose keeping this leader has ended, by time or by a deletion request.
  package var ended = 0
}

extension KeptVolumeKeeper {
  /// The numbers for metrics, from what lists and watches have shown. Takes time in proportion to the number of kept
  /// volumes.
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
