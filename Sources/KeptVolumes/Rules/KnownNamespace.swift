package import KubernetesAPI
internal import StorageModel

/// What is kept of a namespace: whose it is, and what it says about its volumes.
package struct KnownNamespace: Hashable, Sendable {
  package let uid: String
  package let identity: KeptIdentity
  /// It has the annotation that asks for the deletion of its kept data.
  package let isDeletingData: Bool
  package let isTerminating: Bool
  /// What it says about the one volume that it is to have; nil when it asks for none.
  package let volume: Volume?

  /// As it is written, not checked.
  package struct Volume: Hashable, Sendable {
    package var size: String
    package var storageClass: String?
    package var claim: String?
  }

  package init(_ namespace: Namespace) {
    let metadata = namespace.metadata
    uid = metadata.uid
    identity = KeptIdentity(namespace: metadata.name, owner: metadata.annotations[ClusterNames.ownerAnnotation])
    isDeletingData = metadata.annotations[ClusterNames.deleteDataAnnotation] == "true"
    isTerminating = metadata.isBeingDeleted || namespace.phase == "Terminating"
    volume = metadata.labels[ClusterNames.namespaceVolumeLabel].map { size in
      Volume(
        size: size, storageClass: metadata.annotations[ClusterNames.namespaceVolumeClassAnnotation],
        claim: metadata.annotations[ClusterNames.namespaceVolumeClaimAnnotation])
    }
  }
}
