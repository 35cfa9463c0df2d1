internal import Controllers
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

// A PV whose claim is gone.
extension Provisioner {
  func process(volume name: String) async -> Ending {
    guard let volume = volumes[name] else { return .done }
    do throws(WriteFailure) {
      switch VolumeReview.verdict(on: volume) {
      case .leave: return .done
      case .delete:
        guard try await isUnclaimed(volume) else { return .again(after: configuration.waitingClaimsInterval) }
        try await delete(volume)
      case .agree:
        guard try await isUnclaimed(volume) else { return .again(after: configuration.waitingClaimsInterval) }
        try await writes.agreeToRemoval(of: volume)
      case .liftFinalizer:
        try await lift(volume, because: "it was never mounted, so there is no volume to remove")
      case .awaitNode(let node): return try await awaitNode(node, of: volume)
      }
      return .done
    } catch {
      switch error.kind {
      // It has changed, and comes back by itself; or it is gone.
      case .conflict, .missing: return .done
      case .exists, .rejected, .unknown:
        count(\.failures)
        logLine(
          "volume not released yet", ["volume": name, "reason": error.message], isWarning: true)
        return .failed
      }
    }
  }

  /// Whether no claim names the PV, and none is there that the PV names. Claims come and go while a volume stays.
  private func isUnclaimed(_ volume: PersistentVolume) async throws(WriteFailure) -> Bool {
    var holder = claimIndex.holder(of: volume)
    if holder == nil, let named = volume.claim {
      // The watch may be behind: the API server has the last word.
      let key = ObjectKey(namespace: named.namespace, name: named.name)
      if let found = try await writes.claim(key),
        found.metadata.uid == named.uid || found.volumeName == volume.metadata.name
      {
        holder = key.description
      }
    }
    guard let holder else { return true }
    logLine("volume kept for a claim", ["volume": volume.metadata.name, "claim": holder], isWarning: true)
    writes.sendEvent(
      volume.reference,
      EventDraft(
        .volumeProtected,
        "claim \(holder) names this PV, so neither it nor its volume is deleted; delete that claim first if the data is not "
          + "wanted"))
    return false
  }

  private func delete(_ volume: PersistentVolume) async throws(WriteFailure) {
    try await writes.delete(volume)
    count(\.volumesDeleted)
    logLine(
      "volume released",
      ["volume": volume.metadata.name, "claim": volume.claim.map { "\($0.namespace)/\($0.name)" } ?? ""])
  }

  /// The daemon of the volume's node removes or keeps the volume and reports it. A node that has left for good does not.
  private func awaitNode(
    _ node: String, of volume: PersistentVolume
  ) async throws(WriteFailure) -> Ending {
    if let reporter = reporterOfEnd(of: volume) {
      try await writes.liftFinalizer(of: volume)
      count(\.finalizersLiftedAfterReport)
      logLine("PV released", ["volume": volume.metadata.name, "node": reporter, "policy": volume.reclaimPolicy])
      return .done
    }
    guard let absence = nodes.absence(of: node, at: now) else { return .done }
    guard absence >= configuration.nodeGrace else { return .again(after: configuration.nodeGrace - absence) }
    // The watch may be behind: the API server has the last word.
    if let name = volume.labelledNode, try await writes.node(name) != nil {
      return .again(after: configuration.waitingClaimsInterval)
    }
    try await lift(
      volume,
      because:
        "node \(node) left the cluster more than \(configuration.nodeGrace.components.seconds) s ago and does not "
        + "come back to remove the volume; should its disk come back, the volume is an orphan there")
    return .done
  }

  private func lift(_ volume: PersistentVolume, because reason: String) async throws(WriteFailure) {
    try await writes.liftFinalizer(of: volume)
    count(\.finalizersLifted)
    logLine("finalizer lifted", ["volume": volume.metadata.name, "reason": reason], isWarning: true)
    writes.sendEvent(volume.reference, EventDraft(.volumeGivenUp, "the finalizer was lifted: \(reason)"))
  }

  /// A node is gone: whoever has volumes there is told, and volumes that wait for it are looked at.
  func process(node hostname: String) async -> Ending {
    guard let absence = nodes.absence(of: hostname, at: now) else { return .done }
    guard absence >= configuration.nodeGrace else { return .again(after: configuration.nodeGrace - absence) }
    do throws(WriteFailure) {
      for name in await allocator.volumes(on: hostname) {
        guard let volume = try await writes.volume(name), !volume.metadata.isBeingDeleted, !isRecreated(volume)
        else { continue }
        let event = EventDraft(
          .nodeGone,
          "node \(hostname), which has the volume on its disk, has left the cluster; if it is not coming back, delete the "
            + "claim and restore the data into a new one")
        writes.sendEvent(volume.reference, event)
        if let claim = volume.claim { writes.sendEvent(claim, event) }
      }
      return .done
    } catch {
      return .failed
    }
  }
}
