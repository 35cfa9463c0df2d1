internal import Controllers
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

// Claims without a volume.
extension Provisioner {
  /// Carries out the next step for a claim. Waits for the API server.
  func process(claim key: ObjectKey) async -> Ending {
    guard let claim = claims[key] else {
      waits[key] = nil
      return .done
    }
    if !claim.volumeName.isEmpty { return await checkGrowth(claim) }
    // The PV exists. Kubernetes changes a claim more than once before it binds it. A watch shows a deletion of the PV.
    if written.contains(claim.volumeToMake) { return .done }
    switch verdict(on: claim) {
    case .make(let wish): return await returnOrMake(wish, for: claim)
    case .wait(let wish?):
      if wish.parameters.keep != nil,
        case .settled(let ending) = await findKept(wish, for: claim, isCreating: false)
      {
        return ending
      }
      wait(key, for: .firstConsumer(wish))
    case .leave, .wait(nil): waits[key] = nil
    case .refuse(let refusal):
      waits[key] = nil
      refuse(claim, refusal)
    }
    return .done
  }

  private func verdict(on claim: PersistentVolumeClaim) -> ClaimVerdict {
    ClaimReview.verdict(on: claim, in: claim.className.flatMap { classes[$0] })
  }

  /// Gives the claim its kept volume. If none is kept, creates one.
  private func returnOrMake(_ wish: VolumeWish, for claim: PersistentVolumeClaim) async -> Ending {
    guard wish.parameters.keep != nil else { return await make(wish, for: claim) }
    switch await findKept(wish, for: claim, isCreating: true) {
    case .settled(let ending): return ending
    case .nothing(let identity):
      var wish = wish
      wish.keptFor = identity
      return await make(wish, for: claim)
    }
  }

  private func make(_ wish: VolumeWish, for claim: PersistentVolumeClaim) async -> Ending {
    let isOurs = { @Sendable (found: PersistentVolume) in found.isOurs && found.claim?.uid == wish.claim.uid }
    let placing: Placing
    do throws(WriteFailure) { placing = try await place(wish) } catch { return failed(claim, error) }
    let allocation: Allocation?
    switch placing {
    case .on(let hostname):
      let booking = Booking(node: hostname, place: wish.parameters.place, size: wish.size)
      allocation = await allocator.create(wish.persistentVolume(hostname: hostname), as: booking, isOurs: isOurs)
    case .anywhere:
      allocation = await allocator.create(wish.persistentVolume(hostname: nil), as: nil, isOurs: isOurs)
    // The PV may exist already: an answer was lost, or the claim's watch is behind.
    case .elsewhere, .nowhere: allocation = await allocator.find(wish.volume, isOurs: isOurs)
    }
    if let allocation { return await conclude(allocation, of: wish, for: claim) }
    if case .elsewhere(let reason) = placing { return await reschedule(claim, reason) }
    wait(claim.metadata.key, for: .anyNode(wish))
    return .done
  }

  private func conclude(
    _ allocation: Allocation, of wish: VolumeWish, for claim: PersistentVolumeClaim
  ) async -> Ending {
    if case .notEnoughSpace(let shortage) = allocation { return await reschedule(claim, shortage.message) }
    waits[claim.metadata.key] = nil
    switch allocation {
    case .created(let volume):
      isWritten(volume, for: claim)
      created(volume, for: claim)
    case .adopted(let volume):
      isWritten(volume, for: claim)
      reportSuccess(volume, claim)
    case .foreign:
      refuse(
        claim,
        Refusal(
          .provisioningFailed,
          "PersistentVolume \(wish.volume) exists and is not this claim's; delete it, or create the claim again"))
      return .failed
    case .refused(let failure), .unsettled(let failure): return failed(claim, failure)
    case .notEnoughSpace: break
    }
    return .done
  }

  /// Remembers that the PV exists, unless the claim was bound or deleted meanwhile.
  private func isWritten(_ volume: PersistentVolume, for claim: PersistentVolumeClaim) {
    guard claims[claim.metadata.key]?.metadata.uid == claim.metadata.uid else { return }
    written.insert(volume.metadata.name)
  }

  private enum Placing {
    /// On the node with this hostname.
    case on(String)
    /// On the node of the first mount.
    case anywhere
    /// Not on the chosen node, for this reason.
    case elsewhere(String)
    /// On no node: none has enough free space.
    case nowhere
  }

  /// Chooses the node. The allocator checks its free space.
  private func place(_ wish: VolumeWish) async throws(WriteFailure) -> Placing {
    guard let name = wish.node else { return await refusal(of: wish) == nil ? .anywhere : .nowhere }
    guard let labels = try await labels(of: name) else {
      return .elsewhere("node \(name) does not exist any more")
    }
    guard let hostname = labels[ClusterNames.hostnameLabel] else {
      return .elsewhere("node \(name) has no label \(ClusterNames.hostnameLabel), by which volumes are pinned")
    }
    if let reason = ambiguity(of: hostname) { return .elsewhere(reason) }
    guard wish.allowedTopologies.allow(labels) else {
      return .elsewhere("node \(name) is outside the storage class's allowedTopologies")
    }
    return .on(hostname)
  }

  /// Why no volume can be pinned to a hostname; nil if one can.
  func ambiguity(of hostname: String) -> String? {
    let sharing = nodes.names(sharing: hostname)
    guard sharing.count > 1 else { return nil }
    return
      "nodes \(sharing.joined(separator: " and ")) have the same label \(ClusterNames.hostnameLabel)=\(hostname), so a "
      + "volume cannot be pinned to one of them; give each node a label of its own"
  }

  /// The labels of a node; nil when it does not exist. Reads an unknown node from the API server, because it may be
  /// new.
  func labels(of node: String) async throws(WriteFailure) -> StringMap? {
    if let known = nodes[node] { return known }
    return try await writes.node(node)?.metadata.labels
  }

  private func created(_ volume: PersistentVolume, for claim: PersistentVolumeClaim) {
    count(\.volumesCreated)
    logLine(
      "volume provisioned",
      [
        "claim": claim.metadata.key.description, "volume": volume.metadata.name, "size": "\(volume.size)",
        "node": volume.hostname ?? "",
      ])
    reportSuccess(volume, claim)
  }

  /// Sends an Event about the volume if a refusal was sent before. Otherwise Kubernetes' own Events suffice.
  private func reportSuccess(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) {
    guard sentRefusals.end(of: claim.metadata.key) else { return }
    let place = volume.hostname.map { "on node \($0)" } ?? "on the node of its first pod"
    writes.sendEvent(
      claim.reference, EventDraft(.provisioningSucceeded, "volume \(volume.metadata.name) of \(volume.size) \(place)"))
  }

  private func reschedule(_ claim: PersistentVolumeClaim, _ reason: String) async -> Ending {
    guard let node = claim.selectedNode else { return .done }
    do throws(WriteFailure) {
      try await writes.removeSelectedNode(node, from: claim)
    } catch {
      // The claim has changed or is gone. A watch shows that.
      return error.kind == .conflict || error.kind == .missing ? .done : failed(claim, error)
    }
    count(\.rescheduled)
    reportRefusal(
      claim, "claim rescheduled", Refusal(.insufficientStorage, "\(reason); the scheduler chooses another node"),
      ["node": node])
    return .done
  }

  /// Logs and sends a refusal, and counts it. Returns false if the same was sent lately.
  @discardableResult
  func refuse(_ claim: PersistentVolumeClaim, _ refusal: Refusal) -> Bool {
    guard reportRefusal(claim, "claim refused", refusal) else { return false }
    count(\.refused)
    return true
  }

  /// Sends an Event with the reason, and requests a retry.
  func failed(_ claim: PersistentVolumeClaim, _ failure: WriteFailure) -> Ending {
    count(\.failures)
    // A conflict is ordinary: something has changed since it was read.
    if failure.kind != .conflict {
      reportRefusal(
        claim, "claim not provisioned yet", Refusal(.provisioningFailed, "\(failure.message). The request is retried"))
    }
    return .failed
  }

  /// Logs a refusal and sends its Event, unless the same was sent lately. Returns whether it was sent.
  @discardableResult
  private func reportRefusal(
    _ claim: PersistentVolumeClaim, _ message: String, _ refusal: Refusal, _ values: [String: String] = [:]
  ) -> Bool {
    guard sentRefusals.isNews(refusal, of: claim.metadata.key, at: now) else { return false }
    let about = [
      "claim": claim.metadata.key.description, "kind": refusal.reason.rawValue, "reason": refusal.message,
    ]
    logLine(message, about.merging(values) { _, new in new }, isWarning: true)
    writes.sendEvent(claim.reference, EventDraft(refusal.reason, refusal.message))
    return true
  }
}
