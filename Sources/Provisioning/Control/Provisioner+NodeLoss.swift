internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Nodes that have left for good, and claims there of a class with `onNodeLoss: recreateClaim`.
//
// 1. The PV is set aside, with policy Retain. If the node comes back, its data is still there.
// 2. The claim is deleted.
// 3. Stuck pods are deleted. Pods on the lost node delay the claim's deletion (Kubernetes' protection of claims in
//    use). Pods without a node do not get another claim: before 1.30, a StatefulSet creates the claims of a pod only
//    together with the pod.
//
// Each step reads its objects from the API server, so a new leader continues where the former one stopped. One unit of
// work looks at all PVs, one after the other, so nothing else sets PVs aside while the limit is checked.
extension Provisioner {
  /// The pause between two looks at a claim that is being deleted.
  private static let goingClaimPause = Duration.seconds(10)
  /// The number of steps.
  private static let steps = 3

  /// Schedules a look at all these PVs, if there are any.
  func enqueueNodeLosses() { if !nodeLosses.isEmpty { enqueue(.nodeLosses) } }

  /// Sets a PV as a list or watch shows it; nil for one about which the loss of its node changes nothing.
  func showNodeLoss(of volume: String, _ new: NodeLoss?) {
    let wasSetAside = nodeLosses[volume]?.isSetAside ?? false
    nodeLosses.set(volume, new)
    // When a PV is no longer set aside, another one may be.
    let isWaiting = new.map { $0.isSetAside || nodes.name(of: $0.hostname) == nil } ?? false
    if wasSetAside || isWaiting { enqueue(.nodeLosses) }
  }

  /// Whether the PV's claim is deleted when its node is gone.
  func isRecreated(_ volume: PersistentVolume) -> Bool { configuration.nodeLossLimit > 0 && NodeLoss(volume) != nil }

  /// Looks at all PVs whose claims are deleted when their nodes are gone. Waits for the API server.
  func processNodeLosses() async -> Ending {
    var look = NodeLossLook()
    for name in nodeLosses.inOrder where isDue(name, &look) {
      do throws(WriteFailure) {
        try await lookAtNodeLoss(of: name, &look)
      } catch {
        failed(name, error, &look)
      }
    }
    summarizeNodeLosses(look)
    if look.hasFailed { return .failed }
    return look.after.map { .again(after: $0) } ?? .done
  }

  // MARK: Without requests

  /// Whether a PV needs requests now.
  private func isDue(_ name: String, _ look: inout NodeLossLook) -> Bool {
    guard let loss = nodeLosses[name] else { return false }
    let absence = absence(of: loss)
    if loss.isSetAside {
      if absence != nil { nodeLosses.setReturnTold(name, false) }
      return !nodeLosses.isConcluded(name) || absence == nil && !nodeLosses.isReturnTold(name)
    }
    guard configuration.nodeLossLimit > 0, let absence else { return false }
    guard absence >= configuration.nodeGrace else {
      look.again(after: configuration.nodeGrace - absence)
      return false
    }
    if nodeLosses.maySetAside(name, limit: configuration.nodeLossLimit, at: now) { return true }
    let isTold = nodeLosses.isHoldingBackTold(name, at: now)
    guard isTold || look.told >= configuration.eventsPerCheck else { return true }
    look.heldBack += 1
    look.again(after: isTold ? configuration.waitingClaimsInterval : configuration.waitingClaimsPause)
    return false
  }

  /// For how long there has been neither a node with the PV's hostname nor one with the name in its label; nil while
  /// there is one.
  private func absence(of loss: NodeLoss) -> Duration? {
    // Call both: the first call about a missing node starts its time.
    let (ofHostname, ofName) = (nodes.absence(of: loss.hostname, at: now), nodes.absence(of: loss.node, at: now))
    guard let ofHostname, let ofName else { return nil }
    return min(ofHostname, ofName)
  }

  // MARK: Reading

  /// The objects by which a step is decided, as the API server has them now.
  private struct Facts {
    var volume: PersistentVolume
    var claim: PersistentVolumeClaim?
    var node: NodePresence
    /// The node in the PV's label, for messages.
    var nodeName: String
    var claimKey: ObjectKey
  }

  /// Reads the PV, its claim and its node; nil for a PV that is gone, and for one about which the loss of its node
  /// changes nothing. The node is read last, just before a step.
  private func facts(of name: String) async throws(WriteFailure) -> Facts? {
    guard let volume = try await writes.volume(name), let loss = NodeLoss(volume), let meant = volume.claim
    else { return nil }
    let key = ObjectKey(namespace: meant.namespace, name: meant.name)
    let claim = try await writes.claim(key)
    return Facts(
      volume: volume, claim: claim, node: try await presence(of: loss), nodeName: loss.node, claimKey: key)
  }

  /// Reads whether the node exists, by its name and by its hostname, because the watch may be behind.
  private func presence(of loss: NodeLoss) async throws(WriteFailure) -> NodePresence {
    if try await nodeExists(loss.node, hostname: loss.hostname) { return .there }
    guard let absence = absence(of: loss), absence >= configuration.nodeGrace else { return .missing }
    return .gone
  }

  /// Carries out the steps for a PV until one has to wait.
  private func lookAtNodeLoss(of name: String, _ look: inout NodeLossLook) async throws(WriteFailure) {
    // Lists first, so that the node is read just before the step.
    let maySetAside = try await maySetAside(name)
    for _ in 0..<Self.steps {
      guard let facts = try await facts(of: name) else { return }
      let verdict = NodeLossReview.verdict(on: facts.volume, facts.claim, facts.node)
      if verdict.isClaimDeleted {
        if nodeLosses.endDoubtOfDeletion(name) { tellDeletion(facts) }
        tellReturn(facts)
      }
      switch verdict {
      case .leave: return look.again(after: configuration.waitingClaimsInterval)
      case .setAside:
        guard maySetAside else { return holdBack(facts, &look) }
        try await setAside(facts)
      case .deleteClaim:
        guard configuration.nodeLossLimit > 0 else { return }
        try await deleteClaim(facts)
      case .awaitClaim:
        try await deletePods(facts, verdict)
        return look.again(after: Self.goingClaimPause)
      case .deletePods:
        try await deletePods(facts, verdict)
        // A controller that has not yet seen that the claim is gone may create one more pod that waits for it.
        if nodeLosses.absenceOfClaim(of: name, at: now) >= configuration.waitingClaimsInterval {
          return nodeLosses.conclude(name)
        }
        return look.again(after: configuration.waitingClaimsInterval)
      case .concluded:
        try await deletePods(facts, verdict)
        return nodeLosses.conclude(name)
      case .putBack:
        let pause = nodeLosses.pauseBeforePuttingBack(name, limit: Allocator.writeLimit, at: now)
        guard pause <= .zero else { return look.again(after: pause) }
        return try await putBack(facts)
      }
    }
    // The writes show no effect, as if another client undid them at once.
    look.again(after: configuration.waitingClaimsInterval)
  }

  /// Whether the limit allows to set the PV aside. Lists the PVs that are set aside from the API server.
  private func maySetAside(_ name: String) async throws(WriteFailure) -> Bool {
    let limit = configuration.nodeLossLimit
    guard nodeLosses[name]?.isSetAside == false, nodeLosses.maySetAside(name, limit: limit, at: now) else {
      return false
    }
    let found = try await writes.volumesSetAside()
    return nodeLosses.maySetAside(name, besides: found, limit: limit, at: now)
  }

  // MARK: Steps

  private func setAside(_ facts: Facts) async throws(WriteFailure) {
    let name = facts.volume.metadata.name
    do throws(WriteFailure) {
      try await writes.setAside(facts.volume, at: time.wallClock)
    } catch {
      if error.kind == .unknown { nodeLosses.doubt(name, until: now + Allocator.writeLimit) }
      throw error
    }
    nodeLosses.setAside(name)
    logLine("PV set aside, its node is gone", about(facts), isWarning: true)
  }

  private func deleteClaim(_ facts: Facts) async throws(WriteFailure) {
    guard let claim = facts.claim else { return }
    let name = facts.volume.metadata.name
    nodeLosses.expectDeletion(name, until: now + Allocator.writeLimit)
    do throws(WriteFailure) {
      try await writes.delete(claim)
    } catch {
      // The transport may have repeated the request, the last time just now.
      nodeLosses.expectDeletion(name, until: now + Allocator.writeLimit)
      if error.kind == .unknown { nodeLosses.doubtDeletion(name) }
      throw error
    }
    tellDeletion(facts)
  }

  private func tellDeletion(_ facts: Facts) {
    count(\.claimsRecreated)
    logLine("claim deleted, its node is gone", about(facts), isWarning: true)
    guard let claim = facts.volume.claim else { return }
    let reason = "node \(facts.nodeName) left the cluster more than \(configuration.nodeGrace.components.seconds) s ago"
    writes.sendEvent(
      claim,
      EventDraft(
        .claimRecreated,
        "\(reason); the claim is deleted so that its controller creates it again on another node (onNodeLoss: "
          + "\(NodeLossPolicy.recreateClaim.rawValue)). PV \(facts.volume.metadata.name) and its data are kept"))
    writes.sendEvent(
      facts.volume.reference,
      EventDraft(
        .claimRecreated,
        "\(reason), so claim \(facts.claimKey) was deleted. PV and volume are kept; if the node is not coming back, delete "
          + "this PV: while there are \(configuration.nodeLossLimit) such PVs, no more claims are deleted"))
  }

  private func deletePods(_ facts: Facts, _ verdict: NodeLossVerdict) async throws(WriteFailure) {
    for pod in try await writes.pods(in: facts.claimKey.namespace) {
      switch NodeLossReview.stuck(pod, of: facts.volume, verdict, facts.node) {
      case nil: continue
      case .onNode(let node): guard try await writes.node(node) == nil else { continue }
      case .unscheduled: break
      }
      try await writes.delete(pod)
      logLine(
        "pod deleted, its claim's node is gone",
        about(facts).merging(["pod": pod.metadata.key.description]) { _, new in new }, isWarning: true)
      writes.sendEvent(
        pod.reference,
        EventDraft(
          .claimRecreated,
          "the pod is deleted: its claim \(facts.claimKey.name) was deleted, because node \(facts.nodeName) has left the cluster"
        ))
    }
  }

  private func putBack(_ facts: Facts) async throws(WriteFailure) {
    try await writes.putBack(facts.volume)
    logLine("PV put back, its node is back", about(facts))
    for object in [facts.volume.reference, facts.claim?.reference].compactMap(\.self) {
      writes.sendEvent(
        object,
        EventDraft(
          .nodeReturned, "node \(facts.nodeName) came back before the claim was deleted; claim and volume stay"))
    }
  }

  // MARK: Events and log

  private func tellReturn(_ facts: Facts) {
    let name = facts.volume.metadata.name
    guard facts.node == .there, !nodeLosses.isReturnTold(name) else { return }
    nodeLosses.setReturnTold(name, true)
    logLine("node came back after its claim was deleted", about(facts), isWarning: true)
    writes.sendEvent(
      facts.volume.reference,
      EventDraft(
        .nodeReturned,
        "node \(facts.nodeName) is back, but claim \(facts.claimKey) of this volume was deleted while it was gone. If the data "
          + "is not needed, delete this PV and the volume on the node; otherwise see the runbook, ElasticLocalClaimsRecreated"
      ))
  }

  private func holdBack(_ facts: Facts, _ look: inout NodeLossLook) {
    look.heldBack += 1
    look.again(after: configuration.waitingClaimsInterval)
    let name = facts.volume.metadata.name
    guard let claim = facts.claim, !nodeLosses.isHoldingBackTold(name, at: now) else { return }
    nodeLosses.setHoldingBackTold(name, at: now)
    look.told += 1
    writes.sendEvent(
      claim.reference,
      EventDraft(
        .claimRecreationHeldBack,
        "node \(facts.nodeName) has left the cluster; the claim is not deleted, because \(configuration.nodeLossLimit) PVs "
          + "of lost nodes wait for a decision (--node-loss-limit). List them with kubectl get pv -l "
          + "\(ClusterNames.nodeLossLabel), and delete those whose nodes are not coming back"))
  }

  private func summarizeNodeLosses(_ look: NodeLossLook) {
    let former = nodeLosses.heldBack
    nodeLosses.heldBack = look.heldBack
    guard (former == 0) != (look.heldBack == 0) else { return }
    logLine(
      look.heldBack > 0 ? "claims of lost nodes held back" : "no more claims of lost nodes held back",
      ["claims": "\(look.heldBack)", "limit": "\(configuration.nodeLossLimit)"], isWarning: look.heldBack > 0)
  }

  private func failed(_ name: String, _ failure: WriteFailure, _ look: inout NodeLossLook) {
    switch failure.kind {
    // An object has changed since it was read.
    case .conflict, .missing: look.again(after: configuration.waitingClaimsPause)
    case .exists, .rejected, .unknown:
      look.hasFailed = true
      count(\.failures)
      logLine(
        "claim of a lost node not deleted yet", ["volume": name, "reason": failure.message], isWarning: true)
    }
  }

  private func about(_ facts: Facts) -> [String: String] {
    ["volume": facts.volume.metadata.name, "claim": facts.claimKey.description, "node": facts.nodeName]
  }
}
