package import Controllers
package import KubernetesAPI
package import StorageModel

/// The checked label and annotations of a namespace that asks for a volume.
package struct NamespaceVolumeWish: Hashable, Sendable {
  /// The claim to create.
  package let claim: ObjectKey
  /// The claim's storage class. Whether it exists is not checked here.
  package let storageClass: String
  /// The claim's request: more than zero, at most the largest size of a volume.
  package let size: Quantity

  /// Checks the label and the annotations.
  ///
  /// - Throws: ``Refusal`` that names the label or annotation, its value and a valid value.
  package init(_ volume: KnownNamespace.Volume, of namespace: String) throws(Refusal) {
    size = try Self.size(volume.size)
    storageClass = volume.className
    guard ClusterNames.isObjectName(volume.claimName) else {
      throw Refusal(
        .invalidNamespaceVolume,
        "annotation \(ClusterNames.namespaceVolumeClaimAnnotation) is \(quoted(volume.claimName)), which is not the name of "
          + "a claim; use lower-case letters, digits, - and .")
    }
    claim = ObjectKey(namespace: namespace, name: volume.claimName)
  }

  private static func size(_ text: String) throws(Refusal) -> Quantity {
    // The parser's message would help less than an example.
    guard let size = try? Quantity(parsing: text), let bytes = size.byteCount, bytes > .zero, bytes <= .largestVolume
    else {
      throw Refusal(
        .invalidNamespaceVolume,
        "label \(ClusterNames.namespaceVolumeLabel) is \(quoted(text)), which is not the size of a volume; write a size "
          + "such as 25Gi")
    }
    return size
  }
}

extension NamespaceVolumeWish {
  /// The claim to send to the API server.
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
  /// The claim's name if no annotation names one.
  package static let standardClaim = "namespace-volume"
  /// The claim's storage class if no annotation names one.
  package static let standardClass = "elastic-local-kept"

  /// The claim's name, not checked.
  package var claimName: String { Self.given(claim) ?? Self.standardClaim }
  /// The name of the claim's storage class, not checked.
  package var className: String { Self.given(storageClass) ?? Self.standardClass }

  /// Nil for an empty annotation too, because templates leave empty annotations behind.
  private static func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}
