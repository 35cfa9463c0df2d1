package import Controllers
package import KubernetesAPI

/// The requests of an ``Allocator``. A seam: the tests put a cluster in memory here.
package protocol VolumeWrites: Sendable {
  /// Creates the PV, and returns it as the API server has stored it.
  func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume
  /// The PV as it is now; nil when there is none.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
}
