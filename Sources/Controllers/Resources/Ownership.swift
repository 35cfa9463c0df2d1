package import KubernetesAPI

extension APIObject {
  /// An owner reference to this object, for objects that are to be deleted with it.
  ///
  /// - Parameter isController: whether this object manages the others. An object has at most one such owner.
  package func owner(isController: Bool = true) -> OwnerReference {
    OwnerReference(
      apiVersion: Self.resource.apiVersion, kind: Self.resource.kind, name: metadata.name, uid: metadata.uid,
      isController: isController)
  }
}

extension ObjectMeta {
  /// The owner that manages the object; nil when none does.
  package var controller: OwnerReference? { ownerReferences.first(where: \.isController) }

  /// Whether the object with this UID is one of the owners.
  package func isOwned(by uid: String) -> Bool { ownerReferences.contains { $0.uid == uid } }
}
