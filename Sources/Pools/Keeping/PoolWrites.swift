package import Controllers
package import KubernetesAPI
package import LinuxSystem

/// What the pools' controllers ask of the API server, beside lists and watches. A seam: a test may put something else here.
///
/// Every call waits for the API server. A call that changes or deletes an object is about exactly the one that was seen: another
/// UID or another resource version is a `conflict`, unless its comment says otherwise.
package protocol PoolWrites: Sendable {
  /// The API server's time of day; nil while it is not known.
  var serverTime: Timestamp? { get }
  /// Records an Event on the object. Never waits and never fails.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)

  // pools
  /// Holds the pool, when it is deleted, until its replicas are gone.
  func hold(_ pool: Pool) async throws(WriteFailure) -> Pool
  func release(_ pool: Pool) async throws(WriteFailure)
  func setStatus(_ status: Pool.Status, of pool: Pool) async throws(WriteFailure)

  // replicas
  /// `exists` when there is a claim of the name.
  func create(_ replica: ReplicaClaim) async throws(WriteFailure)
  /// Makes the pool the claim's controller.
  func adopt(_ claim: PoolClaim, by pool: Pool) async throws(WriteFailure)
  /// Has the volume made on the node.
  func setNode(_ node: String, of claim: PoolClaim) async throws(WriteFailure)
  func markAvailable(_ claim: PoolClaim) async throws(WriteFailure)
  /// Whatever has changed in it. One that is gone is fine.
  func delete(_ claim: PoolClaim) async throws(WriteFailure)
  /// `exists` when there is a Job of the name.
  func create(_ job: InitJob) async throws(WriteFailure)
  /// With its pods, which go first. Whatever has changed in it. One that is gone is fine.
  func delete(_ job: KnownJob) async throws(WriteFailure)

  // checkouts
  /// Holds the checkout, when it is deleted, until its claim is gone.
  func hold(_ checkout: Checkout) async throws(WriteFailure) -> Checkout
  func release(_ checkout: Checkout) async throws(WriteFailure)
  func setStatus(_ status: Checkout.Status, of checkout: Checkout) async throws(WriteFailure)
  /// The claim as it is now; nil when there is none.
  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// The PV as it is now; nil when there is none.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// `exists` when there is a claim of the name.
  func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure) -> PersistentVolumeClaim
  /// Has the PV name the claim, with its UID, and have its access modes, in one write.
  func handOver(_ volume: PersistentVolume, to claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Changes an annotation of the claim, so that Kubernetes looks at it again. Whatever else has changed in it.
  func touch(_ claim: PersistentVolumeClaim, round: Int) async throws(WriteFailure)
}
