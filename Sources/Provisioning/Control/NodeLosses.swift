/// The PVs whose claims are deleted when their nodes leave the cluster, and the progress of each.
///
/// The PVs themselves record which of them are set aside, so a restart does not lose that. The rest saves requests and
/// Events.
struct NodeLosses: Sendable {
  private var known: [String: NodeLoss] = [:]
  private(set) var volumesSetAside: Set<String> = []
  /// PVs that may have been set aside: the request got no answer. The API server may carry out the request until this
  /// time.
  private var doubts: [String: Duration] = [:]
  /// Until when the API server may still carry out a request to delete the PV's claim.
  private var deletions: [String: Duration] = [:]
  /// PVs whose claims may have been deleted: the request got no answer, and no Event was sent.
  private var untold: Set<String> = []
  /// PVs that need no more work from this leader.
  private var concluded: Set<String> = []
  /// Since when a PV's claim has been known to be gone.
  private var claimGoneSince: [String: Duration] = [:]
  /// PVs for which an Event was sent that their node is back.
  private var toldReturns: Set<String> = []
  /// When an Event was last sent that a claim is held back.
  private var toldHeldBack: [String: Duration] = [:]
  /// The number of claims that the last look held back.
  var heldBack = 0

  /// How long the same Event is not sent again. The API server keeps an Event for an hour (`--event-ttl`).
  private static let pause = Duration.seconds(3600)

  var isEmpty: Bool { known.isEmpty }
  subscript(volume: String) -> NodeLoss? { known[volume] }

  /// The names of all PVs: first those that are set aside, each part sorted.
  var inOrder: [String] {
    volumesSetAside.sorted() + known.keys.filter { !volumesSetAside.contains($0) }.sorted()
  }

  /// Sets a PV; nil for one that is gone, and for one about which the loss of its node changes nothing.
  mutating func set(_ volume: String, _ new: NodeLoss?) {
    if new?.isSetAside != known[volume]?.isSetAside {
      concluded.remove(volume)
      claimGoneSince[volume] = nil
      deletions[volume] = nil
      untold.remove(volume)
      toldReturns.remove(volume)
      toldHeldBack[volume] = nil
    }
    known[volume] = new
    if new?.isSetAside == true { volumesSetAside.insert(volume) } else { volumesSetAside.remove(volume) }
  }

  /// Records that the API server has set the PV aside, before a list or watch shows it.
  mutating func setAside(_ volume: String) {
    guard let former = known[volume] else { return }
    set(volume, NodeLoss(hostname: former.hostname, node: former.node, isSetAside: true))
  }

  // MARK: The limit

  /// Records that a request to set the PV aside got no answer.
  mutating func doubt(_ volume: String, until end: Duration) { doubts[volume] = end }

  /// Whether the limit allows to set this PV aside.
  ///
  /// - Parameter found: the PVs that the API server lists as set aside. PVs that a watch has shown count too, because
  ///   one of them may have lost its label.
  mutating func maySetAside(_ volume: String, besides found: [String] = [], limit: Int, at now: Duration) -> Bool {
    doubts = doubts.filter { $0.value > now }
    return volumesSetAside.union(doubts.keys).union(found).subtracting([volume]).count < limit
  }

  // MARK: The way back

  /// Records that a request to delete the PV's claim is about to be sent.
  mutating func expectDeletion(_ volume: String, until end: Duration) { deletions[volume] = end }

  /// How long the PV has to stay set aside at least. Until then the API server may still carry out a request of this or
  /// the former leader to delete the claim. With its former policy, the volume would then be deleted too.
  ///
  /// - Parameter limit: how long the API server may take for a request.
  mutating func pauseBeforePuttingBack(_ volume: String, limit: Duration, at now: Duration) -> Duration {
    let end = deletions[volume] ?? now + limit
    deletions[volume] = end
    return end - now
  }

  // MARK: Progress

  /// Records that a request to delete the PV's claim got no answer.
  mutating func doubtDeletion(_ volume: String) { untold.insert(volume) }

  /// Whether the Event about the claim's deletion has to be sent now. Returns true once after each doubt.
  mutating func endDoubtOfDeletion(_ volume: String) -> Bool { untold.remove(volume) != nil }

  func isConcluded(_ volume: String) -> Bool { concluded.contains(volume) }
  mutating func conclude(_ volume: String) { concluded.insert(volume) }

  /// For how long the claim has been known to be gone. The first call starts the time.
  mutating func absenceOfClaim(of volume: String, at now: Duration) -> Duration {
    let since = claimGoneSince[volume] ?? now
    claimGoneSince[volume] = since
    return now - since
  }

  func isReturnTold(_ volume: String) -> Bool { toldReturns.contains(volume) }
  mutating func setReturnTold(_ volume: String, _ isTold: Bool) {
    if isTold { toldReturns.insert(volume) } else { toldReturns.remove(volume) }
  }

  func isHoldingBackTold(_ volume: String, at now: Duration) -> Bool {
    toldHeldBack[volume].map { now - $0 < Self.pause } ?? false
  }

  mutating func setHoldingBackTold(_ volume: String, at now: Duration) { toldHeldBack[volume] = now }
}

/// The result of one look at all these PVs.
struct NodeLossLook: Sendable {
  private var wait: Duration?
  /// Whether a request failed.
  var hasFailed = false
  /// The number of claims that are not deleted because of the limit.
  var heldBack = 0
  /// The number of Events about claims that are held back.
  var told = 0

  /// Requests another look after this delay at the latest.
  mutating func again(after delay: Duration) { wait = min(wait ?? delay, delay) }

  /// The shortest requested delay; nil if no other look is needed.
  var after: Duration? { wait }
}
