package import Controllers
package import KubernetesAPI
internal import LinuxSystem
package import Pools
package import StorageLedger
package import StorageModel

/// What the pools' controllers read of the caches that they share with the provisioner.
package struct ClusterPoolView: PoolView {
  private let caches: ClusterCaches
  private let claims: CacheIndex<KnownClaim, Term>
  private let nodes: CacheIndex<StringMap, String>

  /// By what claims are found.
  private enum Term: Hashable, Sendable {
    case pool(String)
    case checkout(String)
    case volume(String)
    case adoptable(namespace: String)
    case withoutVolume
  }

  /// - Parameter caches: those of a process that has pools. Call before they run.
  package init(_ caches: ClusterCaches) {
    self.caches = caches
    claims = caches.claims.index { known in known.pools.map(Self.terms) ?? [] }
    nodes = caches.nodes.index { labels in [labels[ClusterNames.hostnameLabel]].compactMap(\.self) }
  }

  private static func terms(_ claim: PoolClaim) -> [Term] {
    var terms: [Term] = []
    switch claim.controller {
    case .none: return [.adoptable(namespace: claim.key.namespace)]
    case .pool(_, let uid): terms.append(.pool(uid))
    case .checkout(_, let uid): terms.append(.checkout(uid))
    }
    if !claim.volumeName.isEmpty {
      terms.append(.volume(claim.volumeName))
    } else if claim.poolUID != nil, claim.selectedNode != nil {
      terms.append(.withoutVolume)
    }
    return terms
  }

  private func found(_ term: Term) -> [PoolClaim] { caches.claims.values(claims, term).compactMap(\.pools) }

  package func claims(ofPool uid: String) -> [PoolClaim] { found(.pool(uid)) }
  package func claims(ofCheckout uid: String) -> [PoolClaim] { found(.checkout(uid)) }
  package func claims(naming volume: String) -> [PoolClaim] { found(.volume(volume)) }
  package func adoptableClaims(in namespace: String) -> [PoolClaim] { found(.adoptable(namespace: namespace)) }
  package var claimsWithoutVolume: [PoolClaim] { found(.withoutVolume) }
  package func hasClaim(_ key: ObjectKey) -> Bool { caches.claims[key] != nil }

  package func storageClass(_ name: String?) -> StorageClass? {
    if let name { return caches.classes[name] }
    return caches.classes.values.filter(\.isDefault).max {
      ($0.metadata.creationTimestamp ?? .init(seconds: 0), $1.metadata.name)
        < ($1.metadata.creationTimestamp ?? .init(seconds: 0), $0.metadata.name)
    }
  }

  package func nodes(hostname: String) -> [(name: String, labels: StringMap)] {
    nodes[hostname].compactMap { key in caches.nodes[key].map { (key.name, $0) } }
  }

  package func isPrepared(_ volume: String) -> Bool { caches.volumes[volume]?.isPrepared ?? false }
}

extension KnownVolume {
  /// Whether its volume exists. One that is on no node yet is made when a pod uses it.
  var isPrepared: Bool { unrecorded.map { $0.node == nil } ?? true }
}

extension Allocator: PoolSpace {
  package func freeSpace(
    at place: DeviceClass, volumes: [String]
  ) async -> (free: [String: ByteCount], booked: Set<String>) {
    (freeSpaces(at: [place])[place] ?? [:], bookings(among: volumes))
  }
}

extension ClusterCaches {
  /// Adds the controllers of pools to a term. The caches are those of a process that has pools. Call before they run.
  package func addPools(
    to term: Term, client: APIClient, events: EventRecorder, allocator: Allocator,
    time: any Timekeeper = SystemTimekeeper(), log: @escaping @Sendable (LogLine) -> Void
  ) -> PoolControllers {
    let controllers = PoolControllers(
      PoolCaches(term.caches), ClusterPoolView(self), client: client, events: events, space: allocator, time: time,
      log: log)
    feed(controllers)
    allocator.onChange { change in if change.isMore { controllers.pools.freeSpaceChanged() } }
    controllers.add(to: term, reading: all)
    return controllers
  }

  /// Has the controllers of pools told of each change.
  private func feed(_ controllers: PoolControllers) {
    claims.subscribe { change in
      switch change {
      case .updated(let key, let new, let former):
        guard new.pools != nil || former?.pools != nil || former == nil else { return }
        controllers.claim(key, former: former?.pools, new: new.pools, isGone: false)
      case .removed(let key, let last): controllers.claim(key, former: last.pools, new: nil, isGone: true)
      case .listing, .synced: break
      }
    }
    volumes.subscribe { change in
      guard case .updated(let key, let new, let former) = change, new.isPrepared, former?.isPrepared != true else {
        return
      }
      controllers.prepared(key.name)
    }
    classes.subscribe { change in if change.object != nil { controllers.surroundingsChanged() } }
    nodes.subscribe { change in
      switch change {
      case .updated(_, let labels, let former) where labels != former: controllers.surroundingsChanged()
      case .removed: controllers.surroundingsChanged()
      case .updated, .listing, .synced: break
      }
    }
  }
}
