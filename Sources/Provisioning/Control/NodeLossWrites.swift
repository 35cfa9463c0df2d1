package import Controllers
package import KubernetesAPI
package import LinuxSystem

/// The requests of the provisioner after a node has left for good. Tests replace this with a cluster in memory.
///
/// Every call waits for the API server and throws ``WriteFailure``. It sends one request; a list may take more.
package protocol NodeLossWrites: Sendable {
  /// Sets exactly this PV aside: policy Retain, so its volume stays when the claim is deleted. Throws `conflict` if the
  /// PV has changed since it was read.
  ///
  /// - Parameter time: the time that the PV records.
  func setAside(_ volume: PersistentVolume, at time: Timestamp) async throws(WriteFailure)
  /// Puts exactly this PV back: it gets its former policy. Throws `conflict` if the PV has changed since it was read.
  func putBack(_ volume: PersistentVolume) async throws(WriteFailure)
  /// Lists the names of the PVs that are set aside.
  func volumesSetAside() async throws(WriteFailure) -> [String]
  /// Lists the names of the nodes with a hostname.
  func nodes(hostname: String) async throws(WriteFailure) -> [String]
  /// Deletes exactly this claim, even if it has changed since it was read. A claim that is gone is not an error. Throws
  /// `conflict` if the claim of that name has another UID.
  func delete(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Lists the pods of a namespace.
  func pods(in namespace: String) async throws(WriteFailure) -> [Pod]
  /// Deletes exactly this pod. Throws `conflict` if it has changed since it was read, for example because it was
  /// scheduled. A pod that is gone is not an error.
  func delete(_ pod: Pod) async throws(WriteFailure)
}
