package import KubernetesAPI

extension APIObject {
  /// Makes this object the owner of others: they go when it does.
  ///
  /// - Parameter isController: whether it is the one that manages them; an object has one such owner at most.
  package func owner(isController: Bool = true) -> OwnerReference {
    OwnerReference(
      apiVersion: Self.resource.apiVersion, kind: Self.resource.kind, name: metadata.name, uid: metadata.uid,
      isController: isController)
  }
}

extension ObjectMeta {
  /// The owner that manages the object; nil when none does.
  package var controller: OwnerReference? { ownerReferences.first(where: \.isController) }

  /// Whether an object of that UID is among the owners.
  package func isOwned(by uid: String) -> Bool { ownerReferences.contains { $0.uid == uid } }
}
