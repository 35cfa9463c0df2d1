package import Controllers
package import KubernetesAPI
package import StorageModel

/// What a node's reconciler asks of the API server beside its lists and watches. A seam, as ``VolumeEngine`` is.
package protocol NodeWrites: Sendable {
  /// The PV as it is now; nil when there is none.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// Reports what the node's storage can hold, and what it reports about volumes.
  func report(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(WriteFailure)
  /// Tells whoever looks at the object. Never waits and never fails.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}
