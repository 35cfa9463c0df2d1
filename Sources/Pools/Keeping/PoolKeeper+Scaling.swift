internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel
internal import Synchronization

// More replicas, and fewer.
extension PoolKeeper {
  // MARK: More

  func scaleUp(_ pool: Pool, _ plan: PoolPlan, _ work: inout Work) async {
    let uid = pool.metadata.uid
    let unplaced = plan.initializing.filter { $0.step == .chooseNode }
    guard plan.missing > 0 || !unplaced.isEmpty else { return setShortOfSpace(false, pool) }
    let storageClass = knowledge.view.storageClass(pool.spec.className)
    var choice = await choice(for: pool, storageClass)
    // No other look may begin anything between the choice and the births.
    var isShort = false
    var moves: [(Replica, String)] = []
    for replica in work.batch(unplaced) {
      guard choice != nil else { break }
      guard let node = choice?.next() else {
        isShort = true
        break
      }
      moves.append((replica, node.name))
    }
    var births: [ReplicaClaim] = []
    let attempt = memories[uid]?.streak.attempt ?? 1
    for _ in 0..<min(plan.missing, Self.batch) where !isShort {
      var node: NodeChoice.Candidate?
      if choice != nil {
        node = choice?.next()
        if node == nil {
          isShort = true
          break
        }
      }
      births.append(begin(pool, node, storageClass, attempt))
    }
    if births.count < plan.missing, !isShort { work.isPartial = true }
    setShortOfSpace(isShort, pool)
    work.add(
      await each(moves) { [writes] move throws(WriteFailure) in try await writes.setNode(move.1, of: move.0.claim) })
    work.add(await create(births, of: pool))
  }

  private func begin(
    _ pool: Pool, _ node: NodeChoice.Candidate?, _ storageClass: StorageClass?, _ attempt: Int
  ) -> ReplicaClaim {
    let name = ReplicaClaim.name(
      of: pool.metadata.name, (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)))
    let claim = ReplicaClaim(name, of: pool, node: node?.name, attempt: attempt)
    knowledge.book.begin(
      claim.metadata.key,
      .init(
        pool: pool.metadata.uid, node: node?.name, size: pool.spec.size?.byteCount ?? .zero, place: storageClass?.place,
        attempt: attempt, since: time.now))
    return claim
  }

  private func create(_ claims: [ReplicaClaim], of pool: Pool) async -> WriteFailure? {
    let (writes, book, time) = (writes, knowledge.book, time)
    let failure = await each(claims) { claim throws(WriteFailure) in
      do throws(WriteFailure) {
        try await writes.create(claim)
      } catch {
        switch error.kind {
        // An earlier request was carried out.
        case .exists: return
        case .unknown: book.doubt(claim.metadata.key, at: time.now)
        case .missing, .conflict, .rejected: book.end(claim.metadata.key)
        }
        throw error
      }
    }
    if failure == nil { counters.created += claims.count }
    if let failure { memories[pool.metadata.uid, default: Memory()].rejection = failure }
    return failure
  }

  /// Creates replicas again, by the same names, whose answers were lost.
  func repeatBirths(of pool: Pool, _ work: inout Work) async {
    let doubted = knowledge.book.births(of: pool.metadata.uid).filter { $0.value.isInDoubt }.map { key, birth in
      ReplicaClaim(key.name, of: pool, node: birth.node, attempt: birth.attempt)
    }
    let batch = work.batch(doubted)
    let failure = await create(batch, of: pool)
    work.add(failure)
    if failure == nil { for claim in batch { knowledge.book.settle(claim.metadata.key) } }
  }

  /// Replicas that were created long ago and were never shown: they may have gone before any watch saw them.
  func endOldBirths(of pool: Pool, _ work: inout Work) async {
    let births = knowledge.book.births(of: pool.metadata.uid)
    for (key, birth) in births where !birth.isInDoubt && time.now - birth.since > Self.birthLimit {
      do throws(WriteFailure) {
        if try await writes.claim(key) == nil { knowledge.book.end(key) }
      } catch {
        work.add(error)
      }
    }
  }

  /// A claim that exists is shown long before.
  private static let birthLimit = Duration.seconds(60)

  private func setShortOfSpace(_ isShort: Bool, _ pool: Pool) {
    let key = pool.metadata.key
    memories[pool.metadata.uid, default: Memory()].isShortOfSpace = isShort
    waitingForSpace.withLock { waiting in
      if isShort { waiting.insert(key) } else { waiting.remove(key) }
    }
    guard isShort else { return endRefusal(pool, .insufficientStorage) }
    sendRefusal(
      pool,
      Refusal(
        .insufficientStorage,
        "no node of the pool's placement has \(pool.spec.size?.description ?? "space") free for another replica; the pool waits "
          + "for space"))
  }

  // MARK: Where

  /// Chooses nodes for replicas; nil where the pool has no say: in classes of others, and in those whose first mount decides.
  private func choice(for pool: Pool, _ storageClass: StorageClass?) async -> NodeChoice? {
    guard let storageClass, storageClass.isOurs, !storageClass.isImmediate, let place = storageClass.place else {
      return nil
    }
    let waiting = knowledge.view.claimsWithoutVolume
    let (free, booked) = await space.freeSpace(at: place, volumes: waiting.map(\.volumeToMake))
    let spoken = spokenFor(place, waiting.filter { !booked.contains($0.volumeToMake) })
    let counts = counts(of: pool)
    let candidates = free.compactMap { hostname, free -> NodeChoice.Candidate? in
      let nodes = knowledge.view.nodes(hostname: hostname)
      // Which of several has a volume cannot be known.
      guard nodes.count == 1, let node = nodes.first, node.labels.contains(pool.spec.placement.nodeSelector),
        storageClass.allowedTopologies.allow(node.labels)
      else { return nil }
      return .init(
        name: node.name, hostname: hostname, free: free - (spoken[node.name] ?? .zero),
        replicas: counts[node.name] ?? 0)
    }
    return NodeChoice(candidates, size: pool.spec.size?.byteCount ?? .zero, spread: pool.spec.placement.spread)
  }

  /// The space by node that replicas will take whose PVs are not reserved yet.
  private func spokenFor(_ place: DeviceClass, _ waiting: [PoolClaim]) -> [String: ByteCount] {
    var spoken: [String: ByteCount] = [:]
    for claim in waiting {
      guard let storageClass = knowledge.view.storageClass(claim.className), storageClass.isOurs,
        storageClass.place == place, let node = claim.selectedNode
      else { continue }
      spoken[node] = (spoken[node] ?? .zero) + claim.size
    }
    for birth in knowledge.book.placedBirths where birth.place == place {
      guard let node = birth.node else { continue }
      spoken[node] = (spoken[node] ?? .zero) + birth.size
    }
    return spoken
  }

  private func counts(of pool: Pool) -> [String: Int] {
    var counts: [String: Int] = [:]
    for replica in knowledge.replicas(of: pool) where replica.state == .available || replica.state == .initializing {
      if let node = replica.claim.selectedNode { counts[node, default: 0] += 1 }
    }
    for birth in knowledge.book.births(of: pool.metadata.uid).values {
      if let node = birth.node { counts[node, default: 0] += 1 }
    }
    return counts
  }

  // MARK: Fewer

  func remove(_ replicas: [Replica], _ work: inout Work) async {
    let (writes, book) = (writes, knowledge.book)
    let removable = replicas.filter { !$0.claim.isGoing || $0.ownJob?.isGoing == false }
    let batch = work.batch(removable)
    work.add(
      await each(batch) { replica throws(WriteFailure) in
        // The claim first: what is left of a replica whose job has failed must never look like a new one.
        if !replica.claim.isGoing {
          guard book.leave(replica.claim.uid) else { return }
          do throws(WriteFailure) {
            try await writes.delete(replica.claim)
          } catch {
            book.stay(replica.claim.uid)
            throw error
          }
        }
        if let job = replica.ownJob, !job.isGoing { try await writes.delete(job) }
      })
    counters.removed += batch.count { !$0.claim.isGoing }
  }

  /// A pool that is being deleted: its replicas go first.
  func finish(_ pool: Pool) async throws(WriteFailure) -> Ending {
    waitingForSpace.withLock { _ = $0.remove(pool.metadata.key) }
    var work = Work()
    let replicas = knowledge.view.claims(ofPool: pool.metadata.uid).map {
      Replica(claim: $0, job: knowledge.caches.jobs[$0.key])
    }
    await remove(replicas.filter { !knowledge.book.isLeaving($0.claim.uid) || $0.claim.isGoing }, &work)
    if let failure = work.failure { throw failure }
    if work.isPartial { return .again(after: .zero) }
    guard replicas.isEmpty else { return .done }
    // One whose answer was lost, and that is created later, is deleted by Kubernetes, since its pool is gone.
    let births = knowledge.book.births(of: pool.metadata.uid).filter { !$0.value.isInDoubt }
    guard births.isEmpty else {
      await endOldBirths(of: pool, &work)
      return .again(after: .seconds(1))
    }
    try await writes.release(pool)
    memories[pool.metadata.uid] = nil
    for reason in [EventReason.invalidPool, .insufficientStorage] { endRefusal(pool, reason) }
    logLine("pool removed", ["pool": pool.metadata.key.description])
    return .done
  }
}
