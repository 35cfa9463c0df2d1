package import KubernetesAPI
package import StorageModel

/// A claim that has the name of its namespace's volume, as far as it counts for that.
///
/// On the heap: of a cluster's claims, few are of that kind.
package final class NamespaceClaim: Sendable {
  /// The provisioner has created it, or somebody has put our label on it.
  package let isOurs: Bool
  package let storageClass: String?
  /// It has the access modes and the volume mode that we give.
  package let isOfOurShape: Bool
  package let request: Quantity?
  /// Of its volume; nil before it is bound.
  package let capacity: Quantity?
  package let isBound: Bool
  package let isBeingDeleted: Bool

  static let accessModes = ["ReadWriteOnce"]
  static let volumeMode = "Filesystem"

  package init(_ claim: PersistentVolumeClaim) {
    isOurs = claim.metadata.labels[ClusterNames.namespaceVolumeLabel] == ClusterNames.namespaceVolumeMark
    storageClass = claim.storageClassName
    isOfOurShape = claim.accessModes == Self.accessModes && claim.volumeMode == Self.volumeMode
    request = claim.request
    capacity = claim.capacity
    isBound = claim.phase == "Bound"
    isBeingDeleted = claim.metadata.isBeingDeleted
  }

  /// What a cache keeps of a claim: nil for one that is not ours.
  package convenience init?(ifOurs claim: PersistentVolumeClaim) {
    self.init(claim)
    guard isOurs else { return nil }
  }
}
