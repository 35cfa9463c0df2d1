package import Controllers
package import KubernetesAPI
package import LinuxSystem

/// What the provisioner asks of the API server when a node has left for good. Every call is one request, a list more.
package protocol NodeLossWrites: Sendable {
  /// Sets exactly this PV aside, as it was seen: its claim is about to be deleted, and its volume is kept (policy Retain).
  /// `conflict` when it has changed since.
  ///
  /// - Parameter time: what the PV says: since when.
  func setAside(_ volume: PersistentVolume, at time: Timestamp) async throws(WriteFailure)
  /// Puts exactly this PV back, as it was seen: with its former policy.
  func putBack(_ volume: PersistentVolume) async throws(WriteFailure)
  /// The PVs that are set aside, as the API server has them now.
  func volumesSetAside() async throws(WriteFailure) -> [String]
  /// The names of the nodes with a hostname, as the API server has them now.
  func nodes(hostname: String) async throws(WriteFailure) -> [String]
  /// Deletes exactly this claim, whatever has changed in it. One that is gone is fine; one of another UID is a `conflict`.
  func delete(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// The pods of a namespace, as the API server has them now.
  func pods(in namespace: String) async throws(WriteFailure) -> [Pod]
  /// Deletes exactly this pod, as it was seen: `conflict` when it has changed since, so when it was scheduled. One that is
  /// gone is fine.
  func delete(_ pod: Pod) async throws(WriteFailure)
}
