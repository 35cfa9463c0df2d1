internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

// What a pool says of itself.
extension PoolKeeper {
  func writeStatus(of pool: Pool, _ plan: PoolPlan, _ problem: String?) async throws(WriteFailure) {
    var status = pool.status
    status.observedGeneration = pool.metadata.generation
    status.availableReplicas = plan.available.count
    status.replicas = plan.available.count + plan.initializing.count
    let (generation, now) = (pool.metadata.generation, writes.serverTime ?? time.wallClock)
    let available = availability(of: pool, plan)
    status.conditions.set(
      PoolCondition.available, available.status, reason: available.reason, available.message, generation: generation,
      at: now)
    if let settlement = settlement(of: pool, plan, problem) {
      status.conditions.set(
        PoolCondition.settlement, settlement.status, reason: settlement.reason, settlement.message,
        generation: generation, at: now)
    }
    try await writes.setStatus(status, of: pool)
  }

  private struct Verdict {
    var status: Condition.Status
    var reason = ""
    var message = ""
  }

  private func availability(of pool: Pool, _ plan: PoolPlan) -> Verdict {
    if !plan.available.isEmpty { return Verdict(status: .true, reason: PoolCondition.minimumReplicasAvailable) }
    if pool.spec.replicas == 0 { return Verdict(status: .false, reason: PoolCondition.noReplicasRequested) }
    return Verdict(status: .unknown)
  }

  /// Nil to leave what is said.
  private func settlement(of pool: Pool, _ plan: PoolPlan, _ problem: String?) -> Verdict? {
    if let problem { return Verdict(status: .false, reason: PoolCondition.invalid, message: problem) }
    let memory = memories[pool.metadata.uid] ?? Memory()
    if let (failure, end) = plan.failure {
      let next = end.map { "; the replica is replaced after \($0.rfc3339)" } ?? ""
      return Verdict(
        status: .unknown, reason: PoolCondition.initJobFailed, message: "the init job failed (\(failure.words))\(next)")
    }
    if plan.isSettled(wish: pool.spec.replicas) { return Verdict(status: .true, reason: PoolCondition.settled) }
    // The replacement of a failed replica has not shown yet that it is better.
    if memory.streak.count > 0, pool.status.conditions[PoolCondition.settlement]?.reason == PoolCondition.initJobFailed
    {
      return nil
    }
    if memory.isShortOfSpace {
      return Verdict(status: .unknown, message: "no node of the pool's placement has space for another replica")
    }
    return Verdict(status: .unknown, message: memory.rejection?.message ?? "")
  }
}

/// Figures of all pools, for metrics.
package struct PoolFigures: Sendable {
  /// How many replicas there are, by phase and node. The node is empty where the pool did not choose it.
  package var replicas: [Place: Int] = [:]
  package var pools = 0
  package var poolsShortOfSpace = 0
  package var created = 0
  package var removed = 0
  package var jobFailures = 0
  package var checkoutsAcquired = 0
  package var checkoutsWaiting = 0
  /// Of checkouts that this process has served: from their creation to their status, in seconds.
  package var checkoutSeconds = 0.0
  package var checkoutsServed = 0

  package struct Place: Hashable, Sendable {
    package var phase: String
    package var node: String
  }
}

extension PoolKeeper {
  /// Adds the figures of pools.
  func figures(_ figures: inout PoolFigures) {
    for pool in knowledge.caches.pools.values {
      figures.pools += 1
      for replica in knowledge.replicas(of: pool) {
        guard let phase = replica.state.phase else { continue }
        figures.replicas[.init(phase: phase, node: replica.claim.selectedNode ?? ""), default: 0] += 1
      }
    }
    figures.poolsShortOfSpace = waitingForSpace.withLock { $0.count }
    (figures.created, figures.removed, figures.jobFailures) = (counters.created, counters.removed, counters.jobFailures)
  }
}

extension Replica.State {
  /// As a label of a metric; nil for a replica that is not the pool's any more.
  fileprivate var phase: String? {
    switch self {
    case .initializing: "initializing"
    case .available: "available"
    case .failed: "failed"
    case .taken: nil
    case .stale: "stale"
    }
  }
}
