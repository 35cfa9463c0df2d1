package import Controllers
package import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// The caches of the provisioner. Each keeps only the fields of an object that count.
package struct ClusterCaches: Sendable {
  let namespaces: ObjectCache<KnownNamespace>
  let classes: ObjectCache<StorageClass>
  let nodes: ObjectCache<StringMap>
  let storages: ObjectCache<NodeWord>
  let claims: ObjectCache<KnownClaim>
  let volumes: ObjectCache<KnownVolume>

  /// Adds the caches to `caches`, which runs them.
  ///
  /// - Parameters:
  ///   - namespace: the provisioner's namespace. The nodes' daemons write their reports there.
  ///   - hasPools: whether the fields of claims that pools need are kept.
  package init(_ caches: Caches, namespace: String, hasPools: Bool = false) {
    namespaces = caches.cache("namespaces") { (found: Namespace) in KnownNamespace(found) }
    classes = caches.cache("classes", StorageClass.self)
    nodes = caches.cache("nodes") { (found: Node) in found.metadata.labels }
    storages = caches.cache("storages", Selection(namespace: namespace)) { (found: NodeStorageObject) in
      NodeWord(found)
    }
    claims = caches.cache("claims") { (found: PersistentVolumeClaim) in KnownClaim(found, hasPools: hasPools) }
    volumes = caches.cache("volumes") { (found: PersistentVolume) in KnownVolume(found) }
  }

  /// All caches.
  package var all: [any FollowedCache] { [namespaces, classes, nodes, storages, claims, volumes] }

  /// Passes each change to the keeper of kept volumes. Call before the caches run and before ``feed(_:)`` with the
  /// provisioner. The keeper then knows a claim's deletion request before another claim can get the volume.
  package func feed(_ keeper: KeptVolumeKeeper) {
    namespaces.subscribe { change in
      if let (key, new) = change.object { await keeper.namespace(key.name, new) }
    }
    claims.subscribe { change in
      switch change {
      case .updated(let key, let new, _): await keeper.claim(key, new.word, isGone: false)
      case .removed(let key, _): await keeper.claim(key, nil, isGone: true)
      case .listing: await keeper.beginClaimList()
      case .synced: await keeper.endClaimList()
      }
    }
    volumes.subscribe { change in
      if let (key, new) = change.object { await keeper.volume(key.name, new?.kept) }
    }
  }

  /// Passes each change to the provisioner. Call before the caches run.
  package func feed(_ provisioner: Provisioner) {
    namespaces.subscribe { change in
      if let (key, new) = change.object { await provisioner.namespace(key.name, new) }
    }
    classes.subscribe { change in
      if let (key, new) = change.object { await provisioner.storageClass(key.name, new) }
    }
    nodes.subscribe { change in
      if let (key, new) = change.object { await provisioner.node(key.name, new) }
    }
    storages.subscribe { change in
      guard let (key, new) = change.object else { return }
      await provisioner.storage(of: key.name, new?.storage, new?.reports ?? [])
    }
    claims.subscribe { change in
      if let (key, new) = change.object { await provisioner.known(key, new) }
    }
    volumes.subscribe { change in
      switch change {
      case .updated(let key, let new, _): await provisioner.known(key.name, new)
      case .removed(let key, _): await provisioner.known(key.name, nil)
      case .listing: await provisioner.beginVolumeList()
      case .synced: await provisioner.endVolumeList()
      }
    }
  }
}

/// The report of a node's daemon: its storage and its volumes.
struct NodeWord: Sendable {
  let storage: NodeStorage?
  let reports: [VolumeReport]

  init(_ object: NodeStorageObject) {
    storage = object.storage
    reports = object.reports
  }
}
