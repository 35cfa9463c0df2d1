package import KubernetesAPI
internal import StorageModel

/// A claim without a volume, of a storage class that keeps volumes.
package struct ReturningClaim: Hashable, Sendable {
  /// The claim's namespace and name.
  package var key: ObjectKey
  /// The claim's UID.
  package var uid: String
  /// The name of the claim's storage class.
  package var storageClass: String
  /// The identity of the claim's namespace.
  package var identity: KeptIdentity

  /// Takes each field as it is.
  package init(key: ObjectKey, uid: String, storageClass: String, identity: KeptIdentity) {
    self.key = key
    self.uid = uid
    self.storageClass = storageClass
    self.identity = identity
  }
}

/// The state of the claim whose UID a kept PV names.
package enum KeptHolder: Hashable, Sendable {
  /// The claim does not exist.
  case gone
  /// The claim is being deleted.
  case going
  /// The claim exists and is not being deleted.
  case present
}

/// What a claim gets before a new volume may be created for it.
package enum KeptVerdict: Sendable {
  /// No volume is kept for the claim.
  case none
  /// The PV names the claim already, and Kubernetes binds the two.
  case own(KeptVolume)
  /// The claim gets this volume when the claim that still has it is gone. That claim is being deleted.
  case wait(KeptVolume)
  /// The claim gets this volume. The others are kept for it as well, and stay kept.
  case giveBack(KeptVolume, others: [KeptVolume])
  /// A volume is kept under the claim's name, but the claim may not have it. No volume is created until an operator
  /// decides.
  case conflict(KeptVolume, KeptConflict)
}

/// Why a claim does not get the volume that is kept under its name.
package enum KeptConflict: Hashable, Sendable {
  /// The volume is kept for another identity.
  case identity
  /// The volume has another storage class than the claim.
  case storageClass
  /// An operator has given the volume to the claim (annotation `give-to`), but another claim still has it.
  case inUse
  /// The volume's node has left the cluster.
  case nodeGone
}

/// Chooses the volume that a claim gets back. Sends no request.
package enum KeptChoice {
  /// Decides in this order:
  ///
  /// 1. A PV that names the claim's UID is the claim's.
  /// 2. A volume that an operator has given to the claim (annotation `give-to`) comes before all others.
  /// 3. Of the volumes that are kept for the claim and have its storage class, the claim gets the best.
  /// 4. If a claim that is being deleted still has a volume for the claim, the claim waits.
  /// 5. A volume under the claim's name that the claim may not have is a conflict.
  ///
  /// - Parameters:
  ///   - volumes: all volumes that may concern the claim, see ``KeptVolumeIndex/volumes(concerning:_:)``.
  ///   - holder: returns the state of the claim that a volume names.
  ///   - isNodeGone: returns whether the node of a hostname has left the cluster.
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
    // A volume that an operator has given to another claim is that claim's.
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

  /// Whether a volume is kept for the claim: both have one identity, and the name of the volume's former claim fits.
  /// With an owner, that claim may have been in another namespace.
  private static func isFor(_ claim: ReturningClaim, _ volume: KeptVolume) -> Bool {
    guard volume.identity == claim.identity else { return false }
    if case .owner = claim.identity { return volume.claim?.name == claim.key.name }
    return volume.claim == claim.key
  }

  /// Whether the claim gets `one` rather than `other`: first a volume whose former claim had the same namespace and
  /// name, then the volume that was in use last.
  private static func isBetter(_ one: KeptVolume, _ other: KeptVolume, _ claim: ReturningClaim) -> Bool {
    let (hasName, otherHasName) = (one.claim == claim.key, other.claim == claim.key)
    if hasName != otherHasName { return hasName }
    switch (one.keptSince, other.keptSince) {
    // A volume without the time has lost its claim just now, so it was in use last.
    case (nil, nil): return one.name < other.name
    case (nil, _): return true
    case (_, nil): return false
    case (let since?, let otherSince?): return since == otherSince ? one.name < other.name : since > otherSince
    }
  }
}
