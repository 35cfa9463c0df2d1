package import Controllers
package import KubernetesAPI
package import StorageModel

/// The requests of a node's reconciler to the API server, beside lists and watches. Tests replace them.
package protocol NodeWrites: Sendable {
  /// Reads the PV; nil when it does not exist.
  ///
  /// - Throws: ``WriteFailure``.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// Writes the node's capacity and its reports about volumes to the NodeStorage object.
  ///
  /// - Throws: ``WriteFailure``.
  func report(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(WriteFailure)
  /// Queues an Event on the object. Neither waits nor fails.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}
