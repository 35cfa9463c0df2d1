package import KubernetesAPI
internal import StorageModel

/// A claim without a volume, of a class that keeps volumes.
package struct ReturningClaim: Hashable, Sendable {
  package var key: ObjectKey
  package var uid: String
  package var storageClass: String
  /// Of its namespace.
  package var identity: KeptIdentity

  package init(key: ObjectKey, uid: String, storageClass: String, identity: KeptIdentity) {
    self.key = key
    self.uid = uid
    self.storageClass = storageClass
    self.identity = identity
  }
}

/// What is known of the claim that a kept volume names.
package enum KeptHolder: Hashable, Sendable {
  case gone
  /// It is being deleted.
  case going
  case present
}

/// What is to be done about a claim before a new volume may be created for it.
package enum KeptVerdict: Sendable {
  /// No volume is kept for it.
  case none
  /// The PV names the claim already, and Kubernetes binds the two.
  case own(KeptVolume)
  /// The volume that it is to have is still with a claim that is being deleted.
  case wait(KeptVolume)
  /// It gets this one. The others were kept for it as well, and stay.
  case giveBack(KeptVolume, others: [KeptVolume])
  /// A volume is kept under its name that it may not have: nothing is created until somebody decides.
  case conflict(KeptVolume, KeptConflict)
}

/// Why a claim does not get the volume that is kept under its name.
package enum KeptConflict: Hashable, Sendable {
  /// It is kept for somebody else.
  case identity
  /// It is of another storage class.
  case storageClass
  /// Somebody has given it to the claim, and another claim still has it.
  case inUse
  /// Its node has left the cluster.
  case nodeGone
}

/// Chooses the volume that a claim gets back. Pure: asks nobody.
package enum KeptChoice {
  /// - Parameters:
  ///   - volumes: all that may concern the claim.
  ///   - holder: what is known of the claim that a volume names.
  ///   - isNodeGone: whether the node of a hostname has left the cluster.
  package static func verdict(
    for claim: ReturningClaim, among volumes: [KeptVolume], holder: (KeptVolume) -> KeptHolder,
    isNodeGone: (String) -> Bool
  ) -> KeptVerdict {
    if let own = volumes.first(where: { $0.claimUID == claim.uid }) { return .own(own) }
    let kept = volumes.filter { $0.isKept && !$0.isToBeDeleted && !$0.isLeftBehind }.sorted(by: {
      isBetter($0, $1, claim)
    })
    if let given = kept.first(where: { $0.givenTo == claim.key }) {
      return verdict(onGiven: given, holder(given), isNodeGone)
    }
    // What somebody has given to another claim is not this one's any more.
    let own = kept.filter { $0.givenTo == nil }
    let mine = own.filter { isFor(claim, $0) }
    let free = mine.filter { holder($0) == .gone }
    if let best = free.first(where: { $0.storageClass == claim.storageClass }) {
      if let hostname = best.hostname, isNodeGone(hostname) { return .conflict(best, .nodeGone) }
      return .giveBack(best, others: free.filter { $0.name != best.name })
    }
    if let going = mine.first(where: { holder($0) == .going }) { return .wait(going) }
    if let other = free.first { return .conflict(other, .storageClass) }
    let foreign = own.first { $0.claim == claim.key && !isFor(claim, $0) && holder($0) == .gone }
    return foreign.map { .conflict($0, .identity) } ?? .none
  }

  private static func verdict(
    onGiven volume: KeptVolume, _ holder: KeptHolder, _ isNodeGone: (String) -> Bool
  ) -> KeptVerdict {
    switch holder {
    case .present: .conflict(volume, .inUse)
    case .going: .wait(volume)
    case .gone: volume.hostname.map(isNodeGone) == true ? .conflict(volume, .nodeGone) : .giveBack(volume, others: [])
    }
  }

  /// Whether a volume's data is the claim's: its identity is, and its name.
  private static func isFor(_ claim: ReturningClaim, _ volume: KeptVolume) -> Bool {
    guard volume.identity == claim.identity else { return false }
    if case .owner = claim.identity { return volume.claim?.name == claim.key.name }
    return volume.claim == claim.key
  }

  /// Of several, the claim gets the one that had exactly its name; of those, the one that was in use last.
  private static func isBetter(_ one: KeptVolume, _ other: KeptVolume, _ claim: ReturningClaim) -> Bool {
    let (hasName, otherHasName) = (one.claim == claim.key, other.claim == claim.key)
    if hasName != otherHasName { return hasName }
    switch (one.keptSince, other.keptSince) {
    // One without the time has lost its claim just now.
    case (nil, nil): return one.name < other.name
    case (nil, _): return true
    case (_, nil): return false
    case (let since?, let otherSince?): return since == otherSince ? one.name < other.name : since > otherSince
    }
  }
}
