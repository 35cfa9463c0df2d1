package import Controllers
package import KubernetesAPI
package import StorageLedger
package import StorageModel

/// What the provisioner asks of the API server beside its lists and watches. A seam: the tests put a cluster in memory here.
///
/// Every call is one request, but for what its transport repeats by itself.
package protocol ClusterWrites: VolumeWrites, NodeLossWrites {
  /// Deletes exactly this PV, as it was seen: `conflict` when it has changed since.
  func delete(_ volume: PersistentVolume) async throws(WriteFailure)
  /// Sets the capacity of exactly this PV, as it was seen: `conflict` when it has changed since.
  func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure)
  /// Takes our finalizer off exactly this PV, as it was seen. One that is gone is fine.
  func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure)
  /// Records on a PV that names this node which instance its volume is: `conflict` when it is another PV object, or names
  /// another node. The PV has annotations.
  func record(_ instance: String, on volume: String, uid: String, node: String) async throws(WriteFailure)
  /// The same for a PV that may have no annotations: exactly this one, as it was seen.
  func record(_ instance: String, on volume: PersistentVolume) async throws(WriteFailure)
  /// Makes exactly this PV, as it was seen, name the node. Returns it as it is then.
  func assign(
    _ volume: PersistentVolume, to node: String, hostname: String
  ) async throws(WriteFailure) -> PersistentVolume
  /// Agrees, on exactly this PV as it was seen, to the removal of the volume that it records.
  func agreeToRemoval(of volume: PersistentVolume) async throws(WriteFailure)
  /// The claim; nil when there is none of that name.
  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// The pod; nil when there is none of that name.
  func pod(_ key: ObjectKey) async throws(WriteFailure) -> Pod?
  /// Takes the scheduler's choice off the claim, if it still is this node: the scheduler then chooses anew.
  func removeSelectedNode(_ node: String, from claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// The node; nil when there is none of that name.
  func node(_ name: String) async throws(WriteFailure) -> Node?
  /// What the scheduler is told: all that is written for it. Empty on a server that has no such objects.
  func capacities() async throws(WriteFailure) -> [CSIStorageCapacity]
  /// Tells the scheduler how much space there is. Does nothing on a server that has no such objects.
  func writeCapacity(_ capacity: ByteCount, for place: CapacityPlace) async throws(WriteFailure)
  /// Takes back what the scheduler was told. What is gone is fine.
  func delete(_ capacity: CSIStorageCapacity) async throws(WriteFailure)
  /// Records an Event on the object. Never waits and never fails.
  func sendEvent(_ object: ObjectReference, _ event: EventDraft)
}

/// What an Event says.
package struct EventDraft: Hashable, Sendable {
  package var reason: EventReason
  package var message: String

  package init(_ reason: EventReason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}
