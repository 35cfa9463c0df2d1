package import Controllers
package import KubernetesAPI

/// The two controllers of pools, and the changes that have them reconcile.
package struct PoolControllers: Sendable {
  package let pools: PoolKeeper
  package let checkouts: CheckoutKeeper
  package let knowledge: PoolKnowledge

  package init(
    _ caches: PoolCaches, _ view: any PoolView, client: APIClient, events: EventRecorder, space: any PoolSpace,
    time: any Timekeeper = SystemTimekeeper(), backoff: Backoff = .init(), log: @escaping @Sendable (LogLine) -> Void
  ) {
    let writes = APIPoolWrites(client: client, events: events)
    knowledge = PoolKnowledge(caches, view, AdmissionWatch(client))
    pools = PoolKeeper(knowledge, writes: writes, space: space, backoff: backoff, time: time, log: log)
    checkouts = CheckoutKeeper(
      knowledge, writes: writes, pools: pools.keys, backoff: backoff, time: time, log: log)
    follow(caches)
  }

  /// Adds both to a term. Call before the caches run.
  ///
  /// - Parameter others: the caches that the view reads.
  package func add(to term: Term, reading others: [any FollowedCache]) {
    term.add(pools, reading: knowledge.caches.all + others)
    term.add(checkouts, reading: knowledge.caches.all + others)
  }

  package var figures: PoolFigures {
    get async {
      var figures = PoolFigures()
      await pools.figures(&figures)
      await checkouts.figures(&figures)
      return figures
    }
  }

  private func follow(_ caches: PoolCaches) {
    let (pools, checkouts) = (pools, checkouts)
    caches.pools.enqueue(to: pools.keys) { key, _ in [key] }
    caches.pools.subscribe { change in
      // A status changes often and says nothing to checkouts.
      switch change {
      case .updated(let key, let new, let former) where !new.isLike(former): checkouts.wake(key)
      case .removed(let key, _): checkouts.wake(key)
      case .updated, .listing, .synced: break
      }
    }
    caches.checkouts.subscribe { change in
      switch change {
      case .updated(let key, let new, let former):
        checkouts.keys.add(.checkout(key))
        if former?.metadata.uid != new.metadata.uid || former?.poolKey != new.poolKey {
          for pool in Set([former?.poolKey, new.poolKey].compactMap(\.self)) { pools.keys.add(pool) }
        }
      case .removed(let key, let last):
        checkouts.keys.add(.checkout(key))
        await checkouts.forget(last.metadata.uid)
        await checkouts.release(last.metadata.uid, last.poolKey)
        // What it had may be another's.
        for other in caches.checkoutsOfClaim[last.claimKey] { checkouts.keys.add(.checkout(other)) }
      case .listing, .synced: break
      }
    }
    caches.jobs.enqueue(to: pools.keys) { key, job in
      // Of somebody's own making, it may name no pool.
      [job.pool].compactMap(\.self)
    }
  }
}

extension Pool {
  /// Whether checkouts see no difference.
  fileprivate func isLike(_ former: Pool?) -> Bool {
    former?.metadata.uid == metadata.uid && former?.metadata.generation == metadata.generation
      && former?.metadata.isBeingDeleted == metadata.isBeingDeleted
  }
}

// MARK: - What the others' caches show

extension PoolControllers {
  /// A claim has come, changed or gone.
  ///
  /// - Parameters:
  ///   - former: before; nil for one that is new or concerned no pool.
  ///   - new: after; nil for one that is gone or concerns no pool.
  package func claim(_ key: ObjectKey, former: PoolClaim?, new: PoolClaim?, isGone: Bool) {
    let caches = knowledge.caches
    if new != nil || isGone { knowledge.book.end(key) }
    if let former, former.uid != new?.uid { knowledge.book.forget(former.uid) }
    for claim in [former, new].compactMap(\.self) {
      if let pool = claim.poolKey { pools.keys.add(pool) }
      if let checkout = claim.checkoutKey {
        checkouts.keys.add(.checkout(checkout))
        if let pool = caches.checkouts[checkout]?.poolKey { pools.keys.add(pool) }
      }
      guard claim.controller == .none else { continue }
      for pool in caches.pools.values(caches.poolsIn, key.namespace) where pool.spec.selector.matches(claim.labels) {
        pools.keys.add(pool.metadata.key)
      }
    }
    // A name has become free, or is taken.
    if isGone || former == nil {
      for checkout in caches.checkoutsOfClaim[key] { checkouts.keys.add(.checkout(checkout)) }
    }
    if let new, let pool = new.poolKey, new.isReady, former?.isReady != true { checkouts.wake(pool) }
  }

  /// The volume of a PV has been made.
  package func prepared(_ volume: String) {
    for claim in knowledge.view.claims(naming: volume) {
      if let pool = claim.poolKey { pools.keys.add(pool) }
    }
  }

  /// Classes or nodes have changed, so replicas may be possible that were not.
  package func surroundingsChanged() {
    for pool in knowledge.caches.pools.values { pools.keys.add(pool.metadata.key) }
  }
}
