package import KubernetesAPI
internal import StorageModel

/// A claim's deletion request: its annotation `delete-data` and our finalizer.
package struct ClaimWord: Hashable, Sendable {
  /// The UID of the claim.
  package let uid: String
  /// The name of the PV that the claim is bound to; empty before.
  package let volume: String
  /// Whether the claim's annotation requests the deletion.
  package let isDeletingData: Bool
  /// Whether the claim has our finalizer: it stays until the request is recorded on the PV.
  package let isHeld: Bool

  /// Nil for a claim that has neither. Nearly all claims have neither.
  package init?(_ claim: PersistentVolumeClaim) {
    isDeletingData = claim.asksForDeletion
    isHeld = claim.isHeld
    guard isDeletingData || isHeld else { return nil }
    uid = claim.metadata.uid
    volume = claim.volumeName
  }
}

extension PersistentVolumeClaim {
  /// Whether the claim's annotation requests the deletion of its data.
  var asksForDeletion: Bool { metadata.annotations[ClusterNames.deleteDataAnnotation] == "true" }

  /// Whether the claim has our finalizer.
  var isHeld: Bool { metadata.finalizers.contains(ClusterNames.deleteDataFinalizer) }

  /// Whether our finalizer is the only one. Then no pod uses the claim any more: Kubernetes holds a claim in use with
  /// `kubernetes.io/pvc-protection`.
  var isHeldByUsAlone: Bool { metadata.finalizers == [ClusterNames.deleteDataFinalizer] }
}
