package import KubernetesAPI

/// The objects that a ``NamespaceVolumeKeeper`` decides by, from caches. They may be out of date. No call waits or
/// fails.
package protocol NamespaceVolumeView: Sendable {
  /// The namespace; nil when there is none of that name.
  func namespace(_ name: String) -> KnownNamespace?
  /// The claim, if it is ours; nil for any other claim, and when there is none.
  func namespaceClaim(_ key: ObjectKey) -> NamespaceClaim?
  /// The storage class; nil when there is none of that name.
  func storageClass(_ name: String) -> StorageClass?
}
