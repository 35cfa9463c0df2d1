internal import Controllers
internal import KubernetesAPI
internal import StorageModel

// Replicas on their way to be ready.
extension PoolKeeper {
  /// Takes over claims that nobody manages and that the pool selects.
  func adopt(for pool: Pool) async -> WriteFailure? {
    let found = knowledge.view.adoptableClaims(in: pool.metadata.namespace).filter {
      !$0.isGoing && pool.spec.selector.matches($0.labels)
    }
    return await each(Array(found.prefix(Self.batch))) { [writes] claim throws(WriteFailure) in
      try await writes.adopt(claim, by: pool)
    }
  }

  func initialize(_ pool: Pool, _ plan: PoolPlan, _ work: inout Work) async {
    await createJobs(plan.initializing.filter { $0.step == .createJob }, pool, &work)
    await markAvailable(plan.initializing.filter { $0.step == .markAvailable }, pool, &work)
    work.add(
      await each(work.batch(plan.finishedJobs(writes.serverTime, quiet: quietTime(of: pool.metadata.uid)).due)) {
        [writes] job throws(WriteFailure) in
        try await writes.delete(job)
      })
  }

  private func createJobs(_ replicas: [Replica], _ pool: Pool, _ work: inout Work) async {
    let jobs = work.batch(replicas).map {
      InitJobPlan.job(for: $0.claim, of: pool, isPlaced: $0.needsNode)
    }
    let failure = await each(jobs) { [writes] job throws(WriteFailure) in
      do throws(WriteFailure) {
        try await writes.create(job)
      } catch {
        // By an earlier request; a watch shows it. A job of somebody else is not among those that are watched.
        guard error.kind == .exists else { throw error }
      }
    }
    if let failure {
      memories[pool.metadata.uid, default: Memory()].rejection = failure
      // Of several, only the first failure is known.
      memories[pool.metadata.uid, default: Memory()].lostJobAt = time.now
    }
    work.add(failure)
  }

  private func markAvailable(_ replicas: [Replica], _ pool: Pool, _ work: inout Work) async {
    let batch = work.batch(replicas)
    let failure = await each(batch) { [writes] replica throws(WriteFailure) in
      try await writes.markAvailable(replica.claim)
    }
    work.add(failure)
    if !batch.isEmpty, failure == nil { memories[pool.metadata.uid, default: Memory()].streak.succeeded() }
  }
}
