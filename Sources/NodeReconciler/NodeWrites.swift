package import KubernetesAPI
package import StorageModel

/// What a node's reconciler asks of the API server beside its lists and watches. A seam, as ``VolumeEngine`` is.
package protocol NodeWrites: Sendable {
  /// The PV as it is now; nil when there is none.
  func volume(_ name: String) async throws(APIError) -> PersistentVolume?
  /// Takes our finalizer off exactly this PV, as it was seen. One that is gone is fine.
  func liftFinalizer(of volume: PersistentVolume) async throws(APIError)
  /// Notes on the PV which instance its volume was made as: `conflict` when it is another one of that name. The PV has
  /// annotations, since it says who provisioned it.
  func noteInstance(_ instance: String, on volume: PersistentVolume) async throws(APIError)
  /// Pins the PV to a node: `conflict` when it has changed.
  func pin(_ volume: PersistentVolume, node: String, hostname: String) async throws(APIError)
  /// Publishes what the node's storage can hold.
  func publish(_ storage: NodeStorage) async throws(APIError)
  /// Publishes how much room the scheduler may count on for a class. Does nothing on a server that has no such objects.
  func publish(_ room: ByteCount, storageClass: String, hostname: String) async throws(APIError)
  /// Takes back what was published for classes other than these.
  func withdrawCapacity(except classes: Set<String>) async throws(APIError)
  /// Tells whoever looks at the object. Never waits and never fails.
  func tell(_ object: ObjectReference, isWarning: Bool, reason: String, _ message: String)
}
