package import Controllers
package import KubernetesAPI
package import StorageLedger
package import StorageModel

/// The requests of the provisioner, beside lists and watches. Tests replace this with a cluster in memory.
///
/// Every `async` call waits for the API server and throws ``WriteFailure``. It sends one request, except where its
/// comment says otherwise; the transport may repeat a request. "Exactly this object" means: the call throws `conflict`
/// if the object has changed since it was read, or is another object of the same name.
package protocol ClusterWrites: VolumeWrites, NodeLossWrites {
  /// Deletes exactly this PV.
  func delete(_ volume: PersistentVolume) async throws(WriteFailure)
  /// Sets the capacity of exactly this PV.
  func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure)
  /// Removes our finalizer from exactly this PV. A PV that is gone is not an error.
  func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure)
  /// Records the instance of its volume on a PV that has annotations. Throws `conflict` if the PV has another UID or
  /// names another node. Other changes of the PV do not matter.
  func record(_ instance: String, on volume: String, uid: String, node: String) async throws(WriteFailure)
  /// Records the instance of its volume on exactly this PV, which may have no annotations.
  func record(_ instance: String, on volume: PersistentVolume) async throws(WriteFailure)
  /// Sets the node label of exactly this PV, and its affinity if it has none. Returns the new PV.
  func assign(
    _ volume: PersistentVolume, to node: String, hostname: String
  ) async throws(WriteFailure) -> PersistentVolume
  /// Records on exactly this PV that the node may remove the volume whose instance the PV records.
  func agreeToRemoval(of volume: PersistentVolume) async throws(WriteFailure)
  /// Reads the claim; nil when it does not exist.
  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// Reads the pod; nil when it does not exist.
  func pod(_ key: ObjectKey) async throws(WriteFailure) -> Pod?
  /// Removes the chosen node from the claim, so that the scheduler chooses again. Throws `conflict` if the claim names
  /// another node or has another UID.
  func removeSelectedNode(_ node: String, from claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Reads the node; nil when it does not exist.
  func node(_ name: String) async throws(WriteFailure) -> Node?
  /// Lists our CSIStorageCapacity objects. Empty on a server without such objects. May first ask which versions the
  /// server has.
  func capacities() async throws(WriteFailure) -> [CSIStorageCapacity]
  /// Writes the free space of a node for a storage class. Sends more requests if the object has to be created or
  /// replaced. Does nothing on a server without CSIStorageCapacity objects.
  func writeCapacity(_ capacity: ByteCount, for place: CapacityPlace) async throws(WriteFailure)
  /// Deletes a CSIStorageCapacity object. An object that is gone is not an error.
  func delete(_ capacity: CSIStorageCapacity) async throws(WriteFailure)
  /// Sends an Event on the object. Does not wait and does not fail.
  func sendEvent(_ object: ObjectReference, _ event: EventDraft)
}

/// The reason and the message of an Event.
package struct EventDraft: Hashable, Sendable {
  /// The Event's reason, which also decides its type.
  package var reason: EventReason
  /// What was found and what to do, in one or two sentences.
  package var message: String

  /// Takes each field as it is.
  package init(_ reason: EventReason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}
