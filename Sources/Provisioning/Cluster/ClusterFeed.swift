package import KubernetesAPI
internal import StorageModel

/// The lists and watches that a ``Provisioner`` works from.
package struct ClusterFeed: Sendable {
  private let client: APIClient
  private let namespace: String
  private let report: @Sendable (String, APIError, Duration) -> Void

  /// - Parameters:
  ///   - namespace: ours, where the nodes' daemons publish their storage.
  ///   - report: told of what could not be read, why, and after what time it is tried again.
  package init(
    client: APIClient, namespace: String, report: @escaping @Sendable (String, APIError, Duration) -> Void
  ) {
    self.client = client
    self.namespace = namespace
    self.report = report
  }

  /// Feeds until the task is cancelled.
  package func run(_ provisioner: Provisioner) async {
    let progress = Progress(parts: Part.allCases.count, provisioner)
    await withDiscardingTaskGroup { group in
      group.addTask { await classes(provisioner, progress) }
      group.addTask { await nodes(provisioner, progress) }
      group.addTask { await storages(provisioner, progress) }
      group.addTask { await claims(provisioner, progress) }
      group.addTask { await volumes(provisioner, progress) }
    }
  }

  private enum Part: String, CaseIterable { case classes, nodes, storages, claims, volumes }

  /// The work begins when everything has been listed once.
  private actor Progress {
    private var missing: Int
    private let provisioner: Provisioner

    init(parts: Int, _ provisioner: Provisioner) {
      missing = parts
      self.provisioner = provisioner
    }

    func partIsSynced() async {
      missing -= 1
      if missing == 0 { await provisioner.becomeSynced() }
    }
  }

  private func reflector<Object: APIObject, Value: Sendable>(
    _ part: Part, _ selection: Selection = .all, keep: @escaping @Sendable (Object) -> Value?
  ) -> Reflector<Object, Value> {
    let report = report
    return Reflector(client, selection, report: { report(part.rawValue, $0, $1) }, keep: keep)
  }

  /// Delivers changes, and says once that a part is complete.
  private func follow<Object: APIObject, Value: Sendable>(
    _ reflector: Reflector<Object, Value>, _ progress: Progress,
    _ deliver: @escaping @Sendable (_ key: ObjectKey, _ value: Value, _ isGone: Bool) async -> Void,
    listing: @escaping @Sendable () async -> Void = {}, synced: @escaping @Sendable () async -> Void = {}
  ) async {
    let isFirst = Once()
    await reflector.run { change in
      switch change {
      case .updated(let key, let value): await deliver(key, value, false)
      case .removed(let key, let value): await deliver(key, value, true)
      case .listing: await listing()
      case .synced:
        await synced()
        if await isFirst.take() { await progress.partIsSynced() }
      }
    }
  }

  private actor Once {
    private var isTaken = false

    func take() -> Bool {
      defer { isTaken = true }
      return !isTaken
    }
  }
}

extension ClusterFeed {
  private func classes(_ provisioner: Provisioner, _ progress: Progress) async {
    await follow(reflector(.classes) { (found: StorageClass) in found }, progress) { key, value, isGone in
      await provisioner.storageClass(key.name, isGone ? nil : value)
    }
  }

  private func nodes(_ provisioner: Provisioner, _ progress: Progress) async {
    await follow(reflector(.nodes) { (found: Node) in found.metadata.labels }, progress) { key, labels, isGone in
      await provisioner.node(key.name, isGone ? nil : labels)
    }
  }

  private func storages(_ provisioner: Provisioner, _ progress: Progress) async {
    let selection = Selection(
      namespace: namespace, labels: "\(ClusterNames.componentLabel)=\(ClusterNames.nodeStorageComponent)")
    await follow(reflector(.storages, selection) { (found: ConfigMap) in NodeStorage(published: found) }, progress) {
      _, storage, isGone in
      await provisioner.storage(of: storage.node, isGone ? nil : storage)
    }
  }

  private func claims(_ provisioner: Provisioner, _ progress: Progress) async {
    await follow(
      reflector(.claims) { (found: PersistentVolumeClaim) in found.needsAttention ? found.pruned : nil }, progress
    ) { key, value, isGone in await provisioner.claim(key, isGone ? nil : value) }
  }

  private func volumes(_ provisioner: Provisioner, _ progress: Progress) async {
    await follow(reflector(.volumes) { (found: PersistentVolume) in KnownVolume(found) }, progress) {
      key, value, isGone in
      await provisioner.known(key.name, isGone ? nil : value)
    } listing: {
      await provisioner.beginVolumeList()
    } synced: {
      await provisioner.endVolumeList()
    }
  }
}
