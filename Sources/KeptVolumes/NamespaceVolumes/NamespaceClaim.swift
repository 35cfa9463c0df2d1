package import KubernetesAPI
package import StorageModel

/// The fields of a claim that count for a namespace's volume.
///
/// A class, so that a cache has one pointer for each of the many other claims.
package final class NamespaceClaim: Sendable {
  /// Whether it has our label: the provisioner has created it, or a user has handed it over.
  package let isOurs: Bool
  /// The storage class of the claim; nil when it names none.
  package let storageClass: String?
  /// Whether it has the access modes and the volume mode of the claims that we create.
  package let isOfOurShape: Bool
  /// The size that the claim requests; nil when it requests none.
  package let request: Quantity?
  /// The size of its volume (`status.capacity`); nil before it is bound.
  package let capacity: Quantity?
  /// Whether Kubernetes has bound it to a PV.
  package let isBound: Bool
  /// Whether it has a deletion timestamp.
  package let isBeingDeleted: Bool

  static let accessModes = ["ReadWriteOnce"]
  static let volumeMode = "Filesystem"

  /// Takes the fields from any claim, ours or not.
  package init(_ claim: PersistentVolumeClaim) {
    isOurs = claim.metadata.labels[ClusterNames.namespaceVolumeLabel] == ClusterNames.namespaceVolumeMark
    storageClass = claim.storageClassName
    isOfOurShape = claim.accessModes == Self.accessModes && claim.volumeMode == Self.volumeMode
    request = claim.request
    capacity = claim.capacity
    isBound = claim.phase == "Bound"
    isBeingDeleted = claim.metadata.isBeingDeleted
  }

  /// Takes the fields from a claim of ours, for a cache; nil for any other claim.
  package convenience init?(ifOurs claim: PersistentVolumeClaim) {
    self.init(claim)
    guard isOurs else { return nil }
  }
}
