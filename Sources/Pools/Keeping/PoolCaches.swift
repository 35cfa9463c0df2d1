package import Controllers
package import KubernetesAPI

/// The lists and watches of what pools alone need.
package struct PoolCaches: Sendable {
  package let pools: ObjectCache<Pool>
  package let checkouts: ObjectCache<Checkout>
  package let jobs: ObjectCache<KnownJob>
  /// Checkouts by the pool that they name.
  let checkoutsOfPool: CacheIndex<Checkout, ObjectKey>
  /// Checkouts by the claim that they ask for.
  let checkoutsOfClaim: CacheIndex<Checkout, ObjectKey>
  let poolsIn: CacheIndex<Pool, String>

  package init(_ caches: Caches) {
    pools = caches.cache("pools", Pool.self)
    checkouts = caches.cache("checkouts", Checkout.self)
    jobs = caches.cache("jobs", Selection(labels: "\(PoolNames.jobLabel)=\(PoolNames.jobMark)")) { (found: InitJob) in
      KnownJob(found)
    }
    checkoutsOfPool = checkouts.index { [$0.poolKey] }
    checkoutsOfClaim = checkouts.index { [$0.claimKey] }
    poolsIn = pools.index { [$0.metadata.namespace] }
  }

  package var all: [any FollowedCache] { [pools, checkouts, jobs] }

  /// Whether the API server has pools and checkouts. Sends two requests.
  ///
  /// - Throws: ``APIError``.
  package static func areServed(by client: APIClient) async throws(APIError) -> Bool {
    for resource in [Pool.resource, Checkout.resource]
    where try await client.served(resource, in: [PoolNames.version]) == nil { return false }
    return true
  }
}

/// What both controllers know.
package final class PoolKnowledge: Sendable {
  package let caches: PoolCaches
  package let view: any PoolView
  package let book = ReplicaBook()
  package let admission: AdmissionWatch

  package init(_ caches: PoolCaches, _ view: any PoolView, _ admission: AdmissionWatch) {
    self.caches = caches
    self.view = view
    self.admission = admission
  }

  /// The replicas of a pool, without those that this process is removing.
  func replicas(of pool: Pool) -> [Replica] {
    view.claims(ofPool: pool.metadata.uid).filter { !book.isLeaving($0.uid) || $0.isGoing }.map {
      replica($0, of: pool)
    }
  }

  private func replica(_ claim: PoolClaim, of pool: Pool) -> Replica {
    let storageClass = view.storageClass(claim.className)
    let isOurs = storageClass?.isOurs ?? false
    return Replica(
      claim: claim, job: caches.jobs[claim.key], isTaken: isTaken(claim, of: pool),
      isPrepared: !isOurs || claim.volumeName.isEmpty || view.isPrepared(claim.volumeName),
      needsJob: pool.spec.initJob != nil || !isOurs,
      needsNode: isOurs && storageClass?.isImmediate == false)
  }

  /// The replicas that a checkout may have, the oldest first. First of all the one that it was given already.
  func candidates(of pool: Pool, for checkout: String) -> [PoolClaim] {
    let ready = view.claims(ofPool: pool.metadata.uid).filter { claim in
      guard claim.isReady, !book.isLeaving(claim.uid) else { return false }
      return book.isTaken(claim.uid, by: checkout) || !isTaken(claim, of: pool)
    }
    return ready.sorted { left, right in
      let (isLeft, isRight) = (book.isTaken(left.uid, by: checkout), book.isTaken(right.uid, by: checkout))
      return isLeft == isRight ? PoolClaim.isOlder(left, right) : isLeft
    }
  }

  /// The UIDs of the replicas of a pool that a checkout's claim may take the PV of.
  func takeable(of pool: Pool, for checkout: String) -> Set<String> {
    let ready = view.claims(ofPool: pool.metadata.uid).filter {
      $0.isReady && !book.isLeaving($0.uid) && !book.isTaken($0.uid, butNotBy: checkout)
    }
    return Set(ready.map(\.uid))
  }

  /// Whether a checkout that may use the pool has the replica, or is about to. A claim that merely names the PV takes nothing.
  func isTaken(_ claim: PoolClaim, of pool: Pool) -> Bool {
    if book.isTaken(claim.uid) { return true }
    guard !claim.volumeName.isEmpty else { return false }
    return view.claims(naming: claim.volumeName).contains { holder in
      guard let key = holder.checkoutKey, let checkout = caches.checkouts[key] else { return false }
      return checkout.metadata.uid == holder.checkoutUID && checkout.poolKey == pool.metadata.key
        && admission.access.allows(checkout, pool)
    }
  }

  /// Checkouts of a pool that have no volume yet, the oldest first.
  func waitingCheckouts(of pool: ObjectKey) -> [ObjectKey] {
    caches.checkouts.values(caches.checkoutsOfPool, pool).filter { !$0.isAcquired }
      .sorted { Self.isOlder($0.metadata, $1.metadata) }.map(\.metadata.key)
  }

  private static func isOlder(_ left: ObjectMeta, _ right: ObjectMeta) -> Bool {
    if let one = left.creationTimestamp, let other = right.creationTimestamp, one != other { return one < other }
    return left.key.description < right.key.description
  }
}
