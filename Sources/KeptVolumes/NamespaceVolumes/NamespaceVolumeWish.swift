package import Controllers
package import KubernetesAPI
package import StorageModel

/// What a namespace asks for by its label and annotations, checked.
package struct NamespaceVolumeWish: Hashable, Sendable {
  package let claim: ObjectKey
  package let storageClass: String
  package let size: Quantity

  /// - Throws: ``Refusal`` that names the label or annotation, what it says and what it can say.
  package init(_ volume: KnownNamespace.Volume, of namespace: String) throws(Refusal) {
    size = try Self.size(volume.size)
    storageClass = volume.className
    guard ClusterNames.isObjectName(volume.claimName) else {
      throw Refusal(
        .invalidNamespaceVolume,
        "annotation \(ClusterNames.namespaceVolumeClaimAnnotation) is \(quoted(volume.claimName)), which is not the name of "
          + "a claim; use small letters, digits, - and .")
    }
    claim = ObjectKey(namespace: namespace, name: volume.claimName)
  }

  private static func size(_ text: String) throws(Refusal) -> Quantity {
    // What the parser finds wrong says less than the example.
    guard let size = try? Quantity(parsing: text), let bytes = size.byteCount, bytes > .zero, bytes <= .largestVolume
    else {
      throw Refusal(
        .invalidNamespaceVolume,
        "label \(ClusterNames.namespaceVolumeLabel) is \(quoted(text)), which is not the size of a volume; write one such "
          + "as 25Gi")
    }
    return size
  }
}

extension NamespaceVolumeWish {
  /// The claim as it is created.
  package var newClaim: PersistentVolumeClaim {
    var new = PersistentVolumeClaim(
      metadata: ObjectMeta(
        name: claim.name, namespace: claim.namespace,
        labels: [ClusterNames.namespaceVolumeLabel: ClusterNames.namespaceVolumeMark]))
    new.storageClassName = storageClass
    new.accessModes = NamespaceClaim.accessModes
    new.volumeMode = NamespaceClaim.volumeMode
    new.request = size
    return new
  }
}

extension KnownNamespace.Volume {
  /// The claim's name where no annotation says another.
  package static let standardClaim = "namespace-volume"
  /// The claim's storage class where no annotation says another.
  package static let standardClass = "elastic-local-kept"

  package var claimName: String { Self.given(claim) ?? Self.standardClaim }
  package var className: String { Self.given(storageClass) ?? Self.standardClass }

  /// An annotation without a value says nothing: templates leave such behind.
  private static func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}
