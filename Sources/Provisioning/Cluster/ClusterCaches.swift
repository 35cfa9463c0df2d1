package import Controllers
package import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What the provisioner reads of the cluster, and what it keeps of each kind.
package struct ClusterCaches: Sendable {
  let namespaces: ObjectCache<KnownNamespace>
  let classes: ObjectCache<StorageClass>
  let nodes: ObjectCache<StringMap>
  let storages: ObjectCache<NodeWord>
  let claims: ObjectCache<KnownClaim>
  let volumes: ObjectCache<KnownVolume>

  /// - Parameters:
  ///   - namespace: ours, where the nodes' daemons report their storage.
  ///   - hasPools: whether claims of pools and checkouts are kept.
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

  /// All of them.
  package var all: [any FollowedCache] { [namespaces, classes, nodes, storages, claims, volumes] }

  /// Has the keeper of kept volumes told of each change. Call before the caches run, and before the provisioner is fed: what a
  /// claim says last is known before another claim gets its volume.
  package func feed(_ keeper: KeptVolumeKeeper) {
    namespaces.subscribe { change in
      if let (key, new) = change.object { await keeper.namespace(key.name, new) }
    }
    claims.subscribe { change in
      if let (key, new) = change.object { await keeper.claim(key, new?.word, isGone: new == nil) }
    }
    volumes.subscribe { change in
      if let (key, new) = change.object { await keeper.volume(key.name, new?.kept) }
    }
  }

  /// Has the provisioner told of each change. Call before the caches run.
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

/// What a node says.
struct NodeWord: Sendable {
  let storage: NodeStorage?
  let reports: [VolumeReport]

  init(_ object: NodeStorageObject) {
    storage = object.storage
    reports = object.reports
  }
}
