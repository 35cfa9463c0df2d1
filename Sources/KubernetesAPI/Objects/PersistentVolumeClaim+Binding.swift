// The annotations that Kubernetes' volume binding writes on a claim (component-helpers `storage/volume`,
// pkg/controller/volume/persistentvolume).
extension PersistentVolumeClaim {
  /// The annotations that name the provisioner of the claim. The second is the name before 1.23. All versions still
  /// write it.
  package static let provisionerAnnotations = [
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
  ]
  /// The annotation that names the node that the scheduler has chosen.
  package static let selectedNodeAnnotation = "volume.kubernetes.io/selected-node"
  /// The annotation that names the storage class. It is older than the field and takes precedence over it.
  package static let classAnnotation = "volume.beta.kubernetes.io/storage-class"

  /// The provisioner that Kubernetes asks to provision; nil while it asks none.
  package var provisioner: String? {
    Self.provisionerAnnotations.lazy.compactMap { metadata.annotations[$0] }.first { !$0.isEmpty }
  }

  /// The node that the scheduler has chosen; nil before.
  package var selectedNode: String? {
    metadata.annotations[Self.selectedNodeAnnotation].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The name of the claim's storage class; nil when it names none.
  package var className: String? { metadata.annotations[Self.classAnnotation] ?? storageClassName }

  /// The claim without the labels, annotations, finalizers and owners that no code here reads. They can be long.
  package var pruned: PersistentVolumeClaim {
    var claim = self
    let known = Self.provisionerAnnotations + [Self.selectedNodeAnnotation, Self.classAnnotation]
    claim.metadata.annotations = StringMap(metadata.annotations.dictionary.filter { known.contains($0.key) })
    claim.metadata.labels = [:]
    claim.metadata.finalizers = []
    claim.metadata.ownerReferences = []
    return claim
  }

  /// The name of the PV that is created for the claim.
  package var volumeToMake: String { "pvc-\(metadata.uid)" }
}
