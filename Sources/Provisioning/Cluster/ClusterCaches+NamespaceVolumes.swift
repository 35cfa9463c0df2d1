internal import Controllers
package import KeptVolumes
package import KubernetesAPI

// What the volumes of namespaces need of the caches.
extension ClusterCaches: NamespaceVolumeView {
  package func namespace(_ name: String) -> KnownNamespace? { namespaces[name] }

  package func namespaceClaim(_ key: ObjectKey) -> NamespaceClaim? { claims[key]?.namespaceClaim }

  package func storageClass(_ name: String) -> StorageClass? { classes[name] }

  /// Adds a namespace's key when something has changed about it, its claim or its class. Call before the caches run.
  package func feed(_ keeper: NamespaceVolumeKeeper) {
    let namespaces = namespaces
    let asking = namespaces.index { namespace in namespace.volume.map { [$0.className] } ?? [] }
    namespaces.enqueue(to: keeper.keys) { key, namespace in namespace.volume == nil ? [] : [key.name] }
    // A claim that is not ours counts too: it may have given up the name.
    claims.enqueue(to: keeper.keys) { key, _ in
      namespaces[key.namespace]?.volume?.claimName == key.name ? [key.namespace] : []
    }
    classes.enqueue(to: keeper.keys) { key, _ in asking[key.name].map(\.name) }
  }
}
