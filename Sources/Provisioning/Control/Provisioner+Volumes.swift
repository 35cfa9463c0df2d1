internal import Controllers
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

// PVs whose claims are gone.
extension Provisioner {
  /// Carries out the next step for a PV. Waits for the API server.
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
      // The PV has changed or is gone. A watch shows that.
      case .conflict, .missing: return .done
      case .exists, .rejected, .unknown:
        count(\.failures)
        logLine(
          "PV not deleted yet", ["volume": name, "reason": error.message], isWarning: true)
        return .failed
      }
    }
  }

  /// Whether no claim names the PV and the claim that the PV names does not exist. Reads that claim from the API server
  /// if the watch shows none. If there is a claim, sends an Event on the PV.
  private func isUnclaimed(_ volume: PersistentVolume) async throws(WriteFailure) -> Bool {
    var holder = claimIndex.holder(of: volume)
    if holder == nil, let named = volume.claim {
      // The watch may be behind.
      let key = ObjectKey(namespace: named.namespace, name: named.name)
      if let found = try await writes.claim(key),
        found.metadata.uid == named.uid || found.volumeName == volume.metadata.name
      {
        holder = key.description
      }
    }
    guard let holder else { return true }
    logLine("PV not deleted, a claim names it", ["volume": volume.metadata.name, "claim": holder], isWarning: true)
    writes.sendEvent(
      volume.reference,
      EventDraft(
        .volumeProtected,
        "claim \(holder) names this PV, so neither the PV nor its volume is deleted; if the data is not needed, delete that "
          + "claim first"))
    return false
  }

  private func delete(_ volume: PersistentVolume) async throws(WriteFailure) {
    try await writes.delete(volume)
    count(\.volumesDeleted)
    logLine(
      "PV deleted",
      ["volume": volume.metadata.name, "claim": volume.claim.map { "\($0.namespace)/\($0.name)" } ?? ""])
  }

  /// Lifts the finalizer after the node's daemon has reported that it has removed or retained the volume. If the node
  /// has left for good, gives the volume up after the grace time.
  private func awaitNode(
    _ node: String, of volume: PersistentVolume
  ) async throws(WriteFailure) -> Ending {
    if let reporter = reporterOfEnd(of: volume) {
      try await writes.liftFinalizer(of: volume)
      count(\.finalizersLiftedAfterReport)
      logLine(
        "finalizer lifted after the node's report",
        ["volume": volume.metadata.name, "node": reporter, "policy": volume.reclaimPolicy])
      return .done
    }
    guard let absence = nodes.absence(of: node, at: now) else { return .done }
    guard absence >= configuration.nodeGrace else { return .again(after: configuration.nodeGrace - absence) }
    if try await nodeExists(volume.labelledNode, hostname: volume.hostname) {
      return .again(after: configuration.waitingClaimsInterval)
    }
    try await lift(
      volume,
      because:
        "node \(node) left the cluster more than \(configuration.nodeGrace.components.seconds) s ago, so it cannot remove "
        + "the volume; if its disk comes back, the volume is an orphan there")
    return .done
  }

  /// Reads whether a node exists, by its name and by its hostname, because the watch may be behind. Waits for the API
  /// server.
  ///
  /// - Parameter name: the node in a PV's label. If the name is longer than a label's value, no node has this one
  ///   (``ClusterNames/nodeLabelValue(_:)``), and only the hostname finds it.
  /// - Throws: ``WriteFailure`` if the API server does not answer.
  func nodeExists(_ name: String?, hostname: String?) async throws(WriteFailure) -> Bool {
    if let name, try await writes.node(name) != nil { return true }
    guard let hostname else { return false }
    return try await !writes.nodes(hostname: hostname).isEmpty
  }

  /// Lifts the finalizer although no daemon has removed the volume, and sends an Event.
  private func lift(_ volume: PersistentVolume, because reason: String) async throws(WriteFailure) {
    try await writes.liftFinalizer(of: volume)
    count(\.finalizersLifted)
    logLine("finalizer lifted", ["volume": volume.metadata.name, "reason": reason], isWarning: true)
    writes.sendEvent(volume.reference, EventDraft(.volumeGivenUp, "the finalizer was lifted: \(reason)"))
  }

  /// After the grace time, sends an Event for each volume of a node that is gone. Waits for the API server.
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
