// What Kubernetes' volume binding writes on a claim (component-helpers `storage/volume`, pkg/controller/volume/persistentvolume).
extension PersistentVolumeClaim {
  /// Asks the provisioner of that name to act. The second is the name before 1.23, still written by all versions.
  package static let provisionerAnnotations = [
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
  ]
  /// The node that the scheduler has chosen.
  package static let selectedNodeAnnotation = "volume.kubernetes.io/selected-node"
  /// The class, before there was a field for it; it wins over the field.
  package static let classAnnotation = "volume.beta.kubernetes.io/storage-class"

  /// Who is asked to provision; nil when nobody is yet.
  package var provisioner: String? {
    Self.provisionerAnnotations.lazy.compactMap { metadata.annotations[$0] }.first { !$0.isEmpty }
  }

  package var selectedNode: String? {
    metadata.annotations[Self.selectedNodeAnnotation].flatMap { $0.isEmpty ? nil : $0 }
  }

  package var className: String? { metadata.annotations[Self.classAnnotation] ?? storageClassName }

  /// Without what its owner may have written at length and nobody here reads.
  package var pruned: PersistentVolumeClaim {
    var claim = self
    let known = Self.provisionerAnnotations + [Self.selectedNodeAnnotation, Self.classAnnotation]
    claim.metadata.annotations = StringMap(metadata.annotations.dictionary.filter { known.contains($0.key) })
    claim.metadata.labels = [:]
    claim.metadata.finalizers = []
    claim.metadata.ownerReferences = []
    return claim
  }

  /// The name of the PV that is made for it.
  package var volumeToMake: String { "pvc-\(metadata.uid)" }
}
