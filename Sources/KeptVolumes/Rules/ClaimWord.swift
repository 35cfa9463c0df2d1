package import KubernetesAPI
internal import StorageModel

/// What a claim says about the deletion of its data.
package struct ClaimWord: Hashable, Sendable {
  package let uid: String
  /// The PV that it is bound to; empty before.
  package let volume: String
  /// It asks for the deletion.
  package let isDeletingData: Bool
  /// It stays until that has been recorded.
  package let isHeld: Bool

  /// Nil for a claim that says nothing, as nearly all do.
  package init?(_ claim: PersistentVolumeClaim) {
    isDeletingData = claim.asksForDeletion
    isHeld = claim.isHeld
    guard isDeletingData || isHeld else { return nil }
    uid = claim.metadata.uid
    volume = claim.volumeName
  }
}

extension PersistentVolumeClaim {
  var asksForDeletion: Bool { metadata.annotations[ClusterNames.deleteDataAnnotation] == "true" }

  var isHeld: Bool { metadata.finalizers.contains(ClusterNames.deleteDataFinalizer) }

  /// Nothing but we holds it: no pod uses it any more.
  var isHeldByUsAlone: Bool { metadata.finalizers == [ClusterNames.deleteDataFinalizer] }
}
