package import KubernetesAPI
internal import StorageModel

/// The fields of a namespace that count for its volumes.
package struct KnownNamespace: Hashable, Sendable {
  /// The UID of the namespace. A namespace of the same name that is created later has another.
  package let uid: String
  /// Whose the kept volumes of its claims are.
  package let identity: KeptIdentity
  /// Whether its annotation `delete-data` requests the deletion of its claims' data.
  package let isDeletingData: Bool
  /// Whether it is being deleted. No claim can be created in it then.
  package let isTerminating: Bool
  /// The volume that it asks for by its label; nil when it asks for none.
  package let volume: Volume?

  /// The label and annotations about a namespace's volume, not checked.
  package struct Volume: Hashable, Sendable {
    /// The value of the label.
    package var size: String
    /// The storage class that the annotation names; nil without the annotation.
    package var storageClass: String?
    /// The claim that the annotation names; nil without the annotation.
    package var claim: String?
  }

  /// Takes the fields from a namespace.
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
