internal import Controllers
internal import KubernetesAPI
internal import StorageModel

// From a replica to a checkout's claim.
extension CheckoutKeeper {
  // MARK: Choosing

  func choose(for checkout: Checkout) async throws(WriteFailure) -> Ending {
    let key = checkout.poolKey
    guard let pool = knowledge.caches.pools[key] else {
      return try await wait(checkout, .poolDoesNotExist("pool \(key) does not exist"))
    }
    guard try await knowledge.admission.allows(checkout, pool) else {
      return try await wait(
        checkout,
        .forbidden(
          "pool \(key) may not be used from namespace \(checkout.metadata.namespace); add the namespace to "
            + "spec.allowedNamespaces of the pool"))
    }
    if knowledge.view.hasClaim(checkout.claimKey) {
      return try await wait(checkout, .conflict(Self.conflict(checkout)))
    }
    guard !pool.metadata.isBeingDeleted else {
      return try await wait(checkout, .notAvailable("pool \(key) is being deleted"))
    }
    guard let volume = try await takeReplica(of: pool, for: checkout) else {
      return try await wait(checkout, .notAvailable("pool \(key) has no volume that is ready"))
    }
    return try await createClaim(for: volume, checkout)
  }

  /// Nothing can be done before something changes, which a watch shows.
  private func wait(_ checkout: Checkout, _ outcome: CheckoutOutcome) async throws(WriteFailure) -> Ending {
    release(checkout.metadata.uid, checkout.poolKey)
    try await conclude(checkout, outcome)
    return .done
  }

  private static func conflict(_ checkout: Checkout) -> String {
    "claim \(checkout.claimKey.name) exists and is not this checkout's; delete it, or name another in spec.claimName"
  }

  /// Takes the oldest replica that is available, for this checkout. Returns its PV; nil if none is available.
  private func takeReplica(of pool: Pool, for checkout: Checkout) async throws(WriteFailure) -> PersistentVolume? {
    let uid = checkout.metadata.uid
    for replica in knowledge.candidates(of: pool, for: uid) where knowledge.book.take(replica.uid, for: uid) {
      let volume = try await writes.volume(replica.volumeName)
      if HandOverVerdict(volume, claim: "", replicas: [replica.uid]) == .handOver { return volume }
      // Kubernetes has not said so yet of the replica's claim.
      knowledge.book.spend(replica.uid)
    }
    return nil
  }

  private func createClaim(for volume: PersistentVolume, _ checkout: Checkout) async throws(WriteFailure) -> Ending {
    let claim: PersistentVolumeClaim
    do throws(WriteFailure) {
      claim = try await writes.create(checkout.claim(for: volume))
    } catch {
      return try await notCreated(error, checkout)
    }
    return try await attach(claim, of: checkout, volume)
  }

  private func notCreated(_ failure: WriteFailure, _ checkout: Checkout) async throws(WriteFailure) -> Ending {
    switch failure.kind {
    case .exists:
      // By an earlier request whose answer was lost, or by somebody else.
      guard let found = try await writes.claim(checkout.claimKey) else { throw failure }
      if let claim = PoolClaim(found), claim.checkoutUID == checkout.metadata.uid {
        return claim.isGoing || claim.isBound ? .again(after: Self.bindingPause) : try await attach(found, of: checkout)
      }
      release(checkout.metadata.uid, checkout.poolKey)
      try await conclude(checkout, .conflict(Self.conflict(checkout)))
      return .again(after: Self.conflictPause)
    // It may exist: the replica stays this checkout's.
    case .unknown: throw failure
    case .missing, .conflict, .rejected:
      release(checkout.metadata.uid, checkout.poolKey)
      let message = "the claim is not created: \(failure.message)"
      try await conclude(checkout, failure.isInvalid ? .invalid(message) : .notAvailable(message))
      return .failed
    }
  }

  /// A watch shows sooner that the claim is gone, unless it is behind.
  private static let conflictPause = Duration.seconds(60)

  // MARK: Handing over

  /// Has the PV name the checkout's claim, which is not bound yet.
  ///
  /// - Parameter seen: the PV, if it has just been read.
  func attach(
    _ claim: PersistentVolumeClaim, of checkout: Checkout, _ seen: PersistentVolume? = nil
  ) async throws(WriteFailure) -> Ending {
    let uid = checkout.metadata.uid
    var volume = seen
    if volume == nil, !claim.volumeName.isEmpty { volume = try await writes.volume(claim.volumeName) }
    switch HandOverVerdict(volume, claim: claim.metadata.uid, replicas: try await takeable(for: checkout)) {
    case .isOurs: return try await awaitBinding(of: claim, checkout)
    case .isLost: return try await giveUp(claim, checkout)
    case .handOver:
      guard let volume, let replica = volume.claim?.uid, knowledge.book.take(replica, for: uid) else {
        return try await giveUp(claim, checkout)
      }
      try await writes.handOver(volume, to: claim)
      knowledge.book.spend(replica)
      knowledge.book.release(of: uid)
      logLine(
        "volume checked out",
        [
          "checkout": checkout.metadata.key.description, "pool": checkout.poolKey.description,
          "volume": volume.metadata.name, "claim": claim.metadata.key.description,
        ])
      return try await touch(claim, round: 1)
    }
  }

  /// The replicas that the checkout may have now, whatever its claim names.
  private func takeable(for checkout: Checkout) async throws(WriteFailure) -> Set<String> {
    guard let pool = knowledge.caches.pools[checkout.poolKey],
      try await knowledge.admission.allows(checkout, pool)
    else { return [] }
    return knowledge.takeable(of: pool, for: checkout.metadata.uid)
  }

  /// Deletes a claim that cannot get its volume. When it is gone, another claim is created for another volume.
  private func giveUp(_ claim: PersistentVolumeClaim, _ checkout: Checkout) async throws(WriteFailure) -> Ending {
    guard let known = PoolClaim(claim) else { return .failed }
    try await writes.delete(known)
    touches[known.uid] = nil
    release(checkout.metadata.uid, checkout.poolKey)
    logLine(
      "checkout's volume is lost",
      ["checkout": checkout.metadata.key.description, "volume": claim.volumeName], isWarning: true)
    writes.sendEvent(
      checkout.reference, .volumeAttachment,
      "PV \(claim.volumeName) is gone or another claim's, so claim \(claim.metadata.name) is deleted and another volume is taken"
    )
    try await conclude(checkout, .claimGoing)
    return .done
  }

  // MARK: Binding

  /// Kubernetes looks at the claim once it is shown that the PV names it.
  private func awaitBinding(of claim: PersistentVolumeClaim, _ checkout: Checkout) async throws(WriteFailure) -> Ending
  {
    let uid = claim.metadata.uid
    guard let last = touches[uid] else { return try await touch(claim, round: 1) }
    let due = last.at + Self.bindingPause * (1 << (last.round - 1))
    guard time.now >= due else { return .again(after: due - time.now) }
    try await conclude(checkout, .binding(volume: claim.volumeName))
    guard last.round < Self.touchLimit else { return .again(after: Self.resyncPeriod) }
    return try await touch(claim, round: last.round + 1)
  }

  /// Kubernetes looks at a claim when the claim changes, not when the PV does that the claim names (`syncVolume`, 1.20 to 1.36).
  /// Without this the claim would be bound up to 15 s later. The PV may be shown to it later than the claim, so it is repeated.
  private func touch(_ claim: PersistentVolumeClaim, round: Int) async throws(WriteFailure) -> Ending {
    do throws(WriteFailure) {
      try await writes.touch(claim, round: round)
    } catch {
      // Somebody has taken its annotations away: then it is bound some seconds later.
      guard error.kind == .conflict else { throw error }
    }
    touches[claim.metadata.uid] = .init(round: round, at: time.now)
    return .again(after: Self.bindingPause * (1 << (round - 1)))
  }

  /// 1, 2, 4 and 8 seconds: then Kubernetes has looked at all claims by itself (`--pvclaimbinder-sync-period`).
  private static let touchLimit = 4
  private static let resyncPeriod = Duration.seconds(15)

  struct Touch: Sendable {
    var round: Int
    var at: Duration
  }
}

extension Checkout {
  /// Its claim. It names the PV from the beginning, so that nobody provisions for it or binds it to another.
  func claim(for volume: PersistentVolume) -> PersistentVolumeClaim {
    var claim = PersistentVolumeClaim(
      metadata: ObjectMeta(
        name: claimKey.name, namespace: claimKey.namespace,
        annotations: [
          PoolNames.bindingAnnotation: "0", PoolNames.generationAnnotation: "\(metadata.generation)",
        ],
        ownerReferences: [owner()]))
    claim.storageClassName = volume.storageClassName
    claim.accessModes = accessModes
    claim.volumeMode = volume.volumeMode
    claim.request = volume.capacity
    claim.volumeName = volume.metadata.name
    return claim
  }
}

extension PoolClaim {
  /// The claim with what a hand-over needs of it.
  var handed: PersistentVolumeClaim {
    var claim = handle
    claim.volumeName = volumeName
    claim.accessModes = accessModes
    claim.metadata.ownerReferences =
      checkoutKey.map { key in
        [
          OwnerReference(
            apiVersion: Checkout.resource.apiVersion, kind: Checkout.resource.kind, name: key.name,
            uid: checkoutUID ?? "",
            isController: true)
        ]
      } ?? []
    return claim
  }
}
