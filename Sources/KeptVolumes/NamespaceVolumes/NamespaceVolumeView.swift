package import KubernetesAPI

/// What a ``NamespaceVolumeKeeper`` knows of the cluster. It may be behind.
package protocol NamespaceVolumeView: Sendable {
  func namespace(_ name: String) -> KnownNamespace?
  /// A claim that is ours; nil for any other, and where there is none.
  func namespaceClaim(_ key: ObjectKey) -> NamespaceClaim?
  func storageClass(_ name: String) -> StorageClass?
}
