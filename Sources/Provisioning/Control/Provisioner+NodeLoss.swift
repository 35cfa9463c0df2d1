internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// A node that has left for good, and claims of a class with `onNodeLoss: recreateClaim` that were bound there.
//
// 1. The PV is set aside, with policy Retain: should the node come back, its data must still be there.
// 2. The claim is deleted.
// 3. Pods that are stuck are deleted. Those on the node hold up the claim's end (Kubernetes' protection of claims). Those that
//    wait without a node do not get another claim: before 1.30 a StatefulSet creates the claims of a pod only with the pod.
//
// Each step is decided by what the API server says at that moment, so whoever comes next goes on where another has stopped. All
// PVs are looked at in one look, one after the other: what the limit allows is counted by one who alone adds to it.
extension Provisioner {
  /// How often a claim that is being deleted is looked at.
  private static let goingClaimPause = Duration.seconds(10)
  /// How many steps there are.
  private static let steps = 3

  func enqueueNodeLosses() { if !nodeLosses.isEmpty { enqueue(.nodeLosses) } }

  /// What a list or watch shows of a PV; nil when the loss of its node changes nothing of it.
  func showNodeLoss(of volume: String, _ new: NodeLoss?) {
    let wasSetAside = nodeLosses[volume]?.isSetAside ?? false
    nodeLosses.set(volume, new)
    // One that is set aside no more allows another.
    let isWaiting = new.map { $0.isSetAside || nodes.name(of: $0.hostname) == nil } ?? false
    if wasSetAside || isWaiting { enqueue(.nodeLosses) }
  }

  /// Whether the claim is deleted when the PV's node is gone.
  func isRecreated(_ volume: PersistentVolume) -> Bool { configuration.nodeLossLimit > 0 && NodeLoss(volume) != nil }

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

  // MARK: What memory knows

  /// Whether the API server is to be asked about a PV.
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

  /// For how long no node has had the PV's hostname and no node the name that its label says; nil while one has.
  private func absence(of loss: NodeLoss) -> Duration? {
    // Both, so that both times begin.
    let (ofHostname, ofName) = (nodes.absence(of: loss.hostname, at: now), nodes.absence(of: loss.node, at: now))
    guard let ofHostname, let ofName else { return nil }
    return min(ofHostname, ofName)
  }

  // MARK: What the API server says

  private struct Facts {
    var volume: PersistentVolume
    var claim: PersistentVolumeClaim?
    var node: NodePresence
    /// What the PV's label says of the node, for messages.
    var nodeName: String
    var claimKey: ObjectKey
  }

  /// Nil for a PV that is gone, or that the loss of its node changes nothing of. The node is read last: just before something
  /// is done.
  private func facts(of name: String) async throws(WriteFailure) -> Facts? {
    guard let volume = try await writes.volume(name), let loss = NodeLoss(volume), let meant = volume.claim
    else { return nil }
    let key = ObjectKey(namespace: meant.namespace, name: meant.name)
    let claim = try await writes.claim(key)
    return Facts(
      volume: volume, claim: claim, node: try await presence(of: loss), nodeName: loss.node, claimKey: key)
  }

  /// The watch may be behind: no node is called gone that the API server has, by the name or by the hostname.
  private func presence(of loss: NodeLoss) async throws(WriteFailure) -> NodePresence {
    if try await writes.node(loss.node) != nil { return .there }
    guard try await writes.nodes(hostname: loss.hostname).isEmpty else { return .there }
    guard let absence = absence(of: loss), absence >= configuration.nodeGrace else { return .missing }
    return .gone
  }

  /// Does one step after the other, until something has to happen first.
  private func lookAtNodeLoss(of name: String, _ look: inout NodeLossLook) async throws(WriteFailure) {
    // Before the node is read.
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
        // A controller that has not seen the claim's end yet may create one more pod that waits for it.
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
    // What was written is not there, as if somebody took it back at once.
    look.again(after: configuration.waitingClaimsInterval)
  }

  /// Whether a PV may be set aside, by what the API server has and by what is known here.
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
      // It may have been sent more than once, the last time just now.
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
        "\(reason); the claim is deleted so that its controller creates it anew on another node (onNodeLoss: "
          + "\(NodeLossPolicy.recreateClaim.rawValue)). PV \(facts.volume.metadata.name) and its data are kept"))
    writes.sendEvent(
      facts.volume.reference,
      EventDraft(
        .claimRecreated,
        "\(reason), so claim \(facts.claimKey) was deleted. PV and volume are kept; if the node is not coming back, delete "
          + "this PV: at most \(configuration.nodeLossLimit) such PVs may be there before no more claims are deleted"))
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

  // MARK: What is told

  private func tellReturn(_ facts: Facts) {
    let name = facts.volume.metadata.name
    guard facts.node == .there, !nodeLosses.isReturnTold(name) else { return }
    nodeLosses.setReturnTold(name, true)
    logLine("a node is back whose claim was deleted", about(facts), isWarning: true)
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
          + "of gone nodes wait for somebody to look (--node-loss-limit): kubectl get pv -l \(ClusterNames.nodeLossLabel); "
          + "delete those whose nodes are not coming back"))
  }

  private func summarizeNodeLosses(_ look: NodeLossLook) {
    let former = nodeLosses.heldBack
    nodeLosses.heldBack = look.heldBack
    guard (former == 0) != (look.heldBack == 0) else { return }
    logLine(
      look.heldBack > 0 ? "claims of gone nodes are held back" : "no claims of gone nodes are held back any more",
      ["claims": "\(look.heldBack)", "limit": "\(configuration.nodeLossLimit)"], isWarning: look.heldBack > 0)
  }

  private func failed(_ name: String, _ failure: WriteFailure, _ look: inout NodeLossLook) {
    switch failure.kind {
    // Something has changed since it was read.
    case .conflict, .missing: look.again(after: configuration.waitingClaimsPause)
    case .exists, .rejected, .unknown:
      look.hasFailed = true
      count(\.failures)
      logLine(
        "claim of a gone node not deleted yet", ["volume": name, "reason": failure.message], isWarning: true)
    }
  }

  private func about(_ facts: Facts) -> [String: String] {
    ["volume": facts.volume.metadata.name, "claim": facts.claimKey.description, "node": facts.nodeName]
  }
}
