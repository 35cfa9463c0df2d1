internal import Controllers
package import KeptVolumes
package import KubernetesAPI

/// The keeper of namespaces' volumes reads the caches. ``NamespaceVolumeView`` documents the methods.
extension ClusterCaches: NamespaceVolumeView {
  package func namespace(_ name: String) -> KnownNamespace? { namespaces[name] }

  package func namespaceClaim(_ key: ObjectKey) -> NamespaceClaim? { claims[key]?.namespaceClaim }

  package func storageClass(_ name: String) -> StorageClass? { classes[name] }

  /// Adds a namespace to the keeper's keys when the namespace, its claim or its storage class has changed. Call before
  /// the caches run.
  package func feed(_ keeper: NamespaceVolumeKeeper) {
    let namespaces = namespaces
    let asking = namespaces.index { namespace in namespace.volume.map { [$0.className] } ?? [] }
    namespaces.enqueue(to: keeper.keys) { key, namespace in namespace.volume == nil ? [] : [key.name] }
    // Also for claims that are not ours: when such a claim is gone, its name is free.
    claims.enqueue(to: keeper.keys) { key, _ in
      namespaces[key.namespace]?.volume?.claimName == key.name ? [key.namespace] : []
    }
    classes.enqueue(to: keeper.keys) { key, _ in asking[key.name].map(\.name) }
  }
}
