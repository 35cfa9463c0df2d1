internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

// A look at one pool.
extension PoolKeeper {
  func look(at key: ObjectKey) async throws(WriteFailure) -> Ending {
    guard let known = knowledge.caches.pools[key] else {
      waitingForSpace.withLock { _ = $0.remove(key) }
      return .done
    }
    if known.metadata.isBeingDeleted { return try await finish(known) }
    let pool = try await writes.hold(known)
    let problem = PoolReview.problem(of: pool, in: knowledge.view.storageClass(pool.spec.className))
    var work = Work()
    if problem == nil {
      work.add(await adopt(for: pool))
      await repeatBirths(of: pool, &work)
    }
    await endOldBirths(of: pool, &work)
    let plan = plan(for: pool, isValid: problem == nil)
    observe(plan, of: pool)
    if problem == nil {
      memories[pool.metadata.uid, default: Memory()].rejection = nil
      await scaleUp(pool, plan, &work)
      await initialize(pool, plan, &work)
      announce(plan, of: pool)
    }
    await remove(plan.removals, &work)
    let invalidity = problem ?? memories[pool.metadata.uid]?.rejection.flatMap { $0.isInvalid ? $0.message : nil }
    if let invalidity { sendRefusal(pool, Refusal(.invalidPool, invalidity)) } else { endRefusal(pool, .invalidPool) }
    try await writeStatus(of: pool, plan, invalidity)
    return ending(plan, work, of: pool)
  }

  /// What has become of the writes of a look.
  struct Work {
    var failure: WriteFailure?
    /// There is more to do at once.
    var isPartial = false

    mutating func add(_ other: WriteFailure?) {
      // What has changed meanwhile is shown by a watch.
      guard let other, other.kind != .conflict else { return }
      failure = failure ?? other
    }

    /// The first of the items, as many as a look works on.
    mutating func batch<Item>(_ items: [Item]) -> [Item] {
      if items.count > PoolKeeper.batch { isPartial = true }
      return Array(items.prefix(PoolKeeper.batch))
    }
  }

  private func plan(for pool: Pool, isValid: Bool) -> PoolPlan {
    // First: one that is shown between the two is counted twice then, and not missed.
    let births = knowledge.book.births(of: pool.metadata.uid)
    let replicas = knowledge.replicas(of: pool)
    let shown = Set(replicas.map(\.claim.key))
    // An invalid pool is left as it is.
    let wish = isValid ? pool.spec.replicas : nil
    return PoolPlan(replicas, wish: wish, births: births.keys.count { !shown.contains($0) }, now: writes.serverTime)
  }

  private func observe(_ plan: PoolPlan, of pool: Pool) {
    let uid = pool.metadata.uid
    for replica in memories[uid, default: Memory()].streak.see(failed: plan.failed, ready: plan.available) {
      guard case .failed(let failure) = replica.state else { continue }
      counters.jobFailures += 1
      let name = replica.claim.key.name
      logLine(
        "init job failed",
        ["pool": pool.metadata.key.description, "replica": name, "reason": failure.reason], isWarning: true)
      writes.sendEvent(
        pool.reference, .staleReplica, "replica \(name) is not used: its init job failed (\(failure.words))")
    }
  }

  private func announce(_ plan: PoolPlan, of pool: Pool) {
    let (uid, wish) = (pool.metadata.uid, pool.spec.replicas)
    if plan.isSettled(wish: wish) { return memories[uid, default: Memory()].announced = nil }
    let isUp = plan.missing > 0 && !(memories[uid]?.isShortOfSpace ?? false)
    guard isUp || plan.surplus > 0, memories[uid]?.announced != wish else { return }
    memories[uid, default: Memory()].announced = wish
    writes.sendEvent(pool.reference, .poolScaling, "Scaling pool \(isUp ? "up" : "down") to \(wish) replicas")
  }

  private func ending(_ plan: PoolPlan, _ work: Work, of pool: Pool) -> Ending {
    if work.failure != nil { return .failed }
    if work.isPartial { return .again(after: .zero) }
    // The API server's clock counts, and it is known once it has answered anything.
    let now = writes.serverTime
    var waits = [plan.finishedJobs(now, quiet: quietTime(of: pool.metadata.uid)).next].compactMap(\.self)
    if !plan.paused.isEmpty {
      let wait = now.flatMap { now in plan.nextEnd.map { $0 - now } } ?? Self.clockPause
      waits.append(max(wait, .seconds(1)))
    }
    return waits.min().map { .again(after: $0) } ?? .done
  }

  private static let clockPause = Duration.seconds(60)
}

extension KnownJob.Failure {
  /// For people.
  var words: String { [reason, message].filter { !$0.isEmpty }.joined(separator: ": ") }
}
