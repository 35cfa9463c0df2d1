package import Controllers
internal import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageLedger
internal import StorageModel

/// The requests about pools, to a real API server.
package struct APIPoolWrites: PoolWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder
  private let clock: ServerClock

  package init(client: APIClient, events: EventRecorder) {
    writer = ObjectWriter(client)
    self.events = events
    clock = client.serverClock
  }

  package var serverTime: Timestamp? { clock.now }

  package func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    events.record(reason, on: object, message)
  }
}

// MARK: - Pools

extension APIPoolWrites {
  package func hold(_ pool: Pool) async throws(WriteFailure) -> Pool {
    try await writer.addFinalizer(PoolNames.poolFinalizer, to: pool)
  }

  package func release(_ pool: Pool) async throws(WriteFailure) {
    try await writer.removeFinalizer(PoolNames.poolFinalizer, from: pool)
  }

  package func setStatus(_ status: Pool.Status, of pool: Pool) async throws(WriteFailure) {
    _ = try await writer.replaceStatus(of: pool, with: status)
  }
}

// MARK: - Replicas

extension APIPoolWrites {
  package func create(_ replica: ReplicaClaim) async throws(WriteFailure) { _ = try await writer.create(replica) }

  package func adopt(_ claim: PoolClaim, by pool: Pool) async throws(WriteFailure) {
    // Others may own it too; who they are is not kept.
    guard let current: PersistentVolumeClaim = try await writer.find(claim.key),
      current.metadata.uid == claim.uid, current.metadata.controller == nil, !current.metadata.isBeingDeleted
    else { return }
    let owners = current.metadata.ownerReferences + [pool.owner()]
    try await writer.change(current, ["metadata": ["ownerReferences": .array(owners.map(\.json))]])
  }

  package func setNode(_ node: String, of claim: PoolClaim) async throws(WriteFailure) {
    try await annotate(claim, PersistentVolumeClaim.selectedNodeAnnotation, node)
  }

  package func markAvailable(_ claim: PoolClaim) async throws(WriteFailure) {
    try await annotate(claim, PoolNames.phaseAnnotation, ReplicaPhase.available.rawValue)
  }

  private func annotate(_ claim: PoolClaim, _ name: String, _ value: String) async throws(WriteFailure) {
    let annotation = JSONValue.Member(name, .string(value))
    try await writer.change(claim.handle, ["metadata": ["annotations": .object([annotation])]])
  }

  package func delete(_ claim: PoolClaim) async throws(WriteFailure) { try await writer.remove(claim.handle) }

  package func create(_ job: InitJob) async throws(WriteFailure) { _ = try await writer.create(job) }

  package func delete(_ job: KnownJob) async throws(WriteFailure) {
    try await writer.remove(job.handle, propagation: "Foreground")
  }
}

// MARK: - Checkouts

extension APIPoolWrites {
  package func hold(_ checkout: Checkout) async throws(WriteFailure) -> Checkout {
    try await writer.addFinalizer(PoolNames.checkoutFinalizer, to: checkout)
  }

  package func release(_ checkout: Checkout) async throws(WriteFailure) {
    try await writer.removeFinalizer(PoolNames.checkoutFinalizer, from: checkout)
  }

  package func setStatus(_ status: Checkout.Status, of checkout: Checkout) async throws(WriteFailure) {
    _ = try await writer.replaceStatus(of: checkout, with: status)
  }

  package func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
    try await writer.find(key)
  }

  package func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try await writer.find(ObjectKey(name: name))
  }

  package func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure) -> PersistentVolumeClaim {
    try await writer.create(claim)
  }

  package func handOver(_ volume: PersistentVolume, to claim: PersistentVolumeClaim) async throws(WriteFailure) {
    let modes = JSONValue.array(claim.accessModes.map { .string($0) })
    try await writer.handOver(
      volume, to: claim.metadata.key, uid: claim.metadata.uid, with: ["spec": ["accessModes": modes]])
  }

  package func touch(_ claim: PersistentVolumeClaim, round: Int) async throws(WriteFailure) {
    // Kubernetes writes to the claim at the same time, so the resource version may have changed.
    try await writer.change(
      PersistentVolumeClaim.self, claim.metadata.key, uid: claim.metadata.uid,
      [.add("metadata", "annotations", PoolNames.bindingAnnotation, value: .string("\(round)"))])
  }
}
