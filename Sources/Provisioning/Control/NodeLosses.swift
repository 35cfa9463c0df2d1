/// The PVs whose claims do not stay when their nodes leave the cluster, and how far each has come.
///
/// What must not be forgotten is on the PVs: which of them are set aside. The rest saves requests and Events.
struct NodeLosses: Sendable {
  private var known: [String: NodeLoss] = [:]
  private(set) var volumesSetAside: Set<String> = []
  /// PVs that were perhaps set aside: the answer was lost. Until then the API server may still carry out the request.
  private var doubts: [String: Duration] = [:]
  /// Until when a claim may still be deleted by a request whose answer is not known.
  private var deletions: [String: Duration] = [:]
  /// PVs whose claims were perhaps deleted: the answer was lost, and nobody was told.
  private var untold: Set<String> = []
  /// PVs that need nothing more in this term.
  private var concluded: Set<String> = []
  /// Since when a claim has been known to be gone.
  private var claimGoneSince: [String: Duration] = [:]
  /// PVs of which it was told that their node is back.
  private var toldReturns: Set<String> = []
  /// When it was told last that a claim is held back.
  private var toldHeldBack: [String: Duration] = [:]
  /// How many claims are held back, as far as was seen in the last look.
  var heldBack = 0

  /// How long the same is not told again: the API server keeps an Event for an hour.
  private static let pause = Duration.seconds(3600)

  var isEmpty: Bool { known.isEmpty }
  subscript(volume: String) -> NodeLoss? { known[volume] }

  /// What was begun comes first.
  var inOrder: [String] {
    volumesSetAside.sorted() + known.keys.filter { !volumesSetAside.contains($0) }.sorted()
  }

  /// - Parameter new: nil for a PV that is gone, or that the loss of its node changes nothing of.
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

  /// The API server has set the PV aside. No list or watch may have shown it yet.
  mutating func setAside(_ volume: String) {
    guard let former = known[volume] else { return }
    set(volume, NodeLoss(hostname: former.hostname, node: former.node, isSetAside: true))
  }

  // MARK: The limit

  /// Nobody knows whether the PV was set aside.
  mutating func doubt(_ volume: String, until end: Duration) { doubts[volume] = end }

  /// Whether one more PV may be set aside.
  ///
  /// - Parameter found: the PVs that are set aside as the API server has them. What a watch has shown counts too: it may know
  ///   of one that has lost its label.
  mutating func maySetAside(_ volume: String, besides found: [String] = [], limit: Int, at now: Duration) -> Bool {
    doubts = doubts.filter { $0.value > now }
    return volumesSetAside.union(doubts.keys).union(found).subtracting([volume]).count < limit
  }

  // MARK: The way back

  /// A claim is about to be deleted.
  mutating func expectDeletion(_ volume: String, until end: Duration) { deletions[volume] = end }

  /// How long the PV has to stay set aside at least. With its former policy the volume would go with the claim, and a request to delete
  /// the claim may still be carried out: one of this term, or of the leader before.
  ///
  /// - Parameter limit: how long the API server may take for a request.
  mutating func pauseBeforePuttingBack(_ volume: String, limit: Duration, at now: Duration) -> Duration {
    let end = deletions[volume] ?? now + limit
    deletions[volume] = end
    return end - now
  }

  // MARK: What is known to be done

  /// Nobody knows whether the claim was deleted.
  mutating func doubtDeletion(_ volume: String) { untold.insert(volume) }

  /// Whether it is to be told now that the claim was deleted.
  mutating func endDoubtOfDeletion(_ volume: String) -> Bool { untold.remove(volume) != nil }

  func isConcluded(_ volume: String) -> Bool { concluded.contains(volume) }
  mutating func conclude(_ volume: String) { concluded.insert(volume) }

  /// For how long the claim has been known to be gone.
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

/// What a look at all of them has come to.
struct NodeLossLook: Sendable {
  private var wait: Duration?
  var hasFailed = false
  var heldBack = 0
  /// How many claims were told that they are held back.
  var told = 0

  /// There is something to look at then, at the latest.
  mutating func again(after delay: Duration) { wait = min(wait ?? delay, delay) }

  var after: Duration? { wait }
}
