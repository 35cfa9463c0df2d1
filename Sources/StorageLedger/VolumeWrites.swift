package import Controllers
package import KubernetesAPI

/// The requests of an ``Allocator``. Tests replace this with a cluster in memory.
package protocol VolumeWrites: Sendable {
  /// Creates the PV, and returns it as the API server has stored it.
  ///
  /// - Throws: ``WriteFailure``.
  func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume
  /// Reads the PV; nil when it does not exist.
  ///
  /// - Throws: ``WriteFailure``.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
}
