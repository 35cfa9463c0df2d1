package import KubernetesAPI
internal import StorageModel

/// The lists and watches that a ``NodeReconciler`` works from: the PVs of its node, and the classes.
package struct NodeFeed: Sendable {
  private let client: APIClient
  private let node: String
  private let report: @Sendable (String, APIError, Duration) -> Void

  package init(
    client: APIClient, node: String, report: @escaping @Sendable (String, APIError, Duration) -> Void
  ) {
    self.client = client
    self.node = node
    self.report = report
  }

  /// Feeds until the task is cancelled.
  package func run(_ reconciler: NodeReconciler) async {
    await withDiscardingTaskGroup { group in
      group.addTask { await volumes(reconciler) }
      group.addTask { await classes(reconciler) }
    }
  }

  private func volumes(_ reconciler: NodeReconciler) async {
    let selection = Selection(labels: "\(ClusterNames.nodeLabel)=\(ClusterNames.nodeLabelValue(node))")
    let reflector = Reflector(client, selection, report: { [report] in report("volumes", $0, $1) }) {
      (found: PersistentVolume) in found
    }
    let first = First()
    await reflector.run { change in
      switch change {
      case .updated(let key, let volume): await reconciler.volume(key.name, volume)
      case .removed(let key, _): await reconciler.volume(key.name, nil)
      case .listing: break
      case .synced: if await first.take() { await reconciler.partIsSynced() }
      }
    }
  }

  private func classes(_ reconciler: NodeReconciler) async {
    let reflector = Reflector(client, report: { [report] in report("classes", $0, $1) }) {
      (found: StorageClass) in ClusterNames.provisioners.contains(found.provisioner) ? found : nil
    }
    let first = First()
    await reflector.run { change in
      switch change {
      case .updated(let key, let storageClass): await reconciler.storageClass(key.name, storageClass)
      case .removed(let key, _): await reconciler.storageClass(key.name, nil)
      case .listing: break
      case .synced: if await first.take() { await reconciler.partIsSynced() }
      }
    }
  }

  /// True once.
  private actor First {
    private var isTaken = false

    func take() -> Bool {
      defer { isTaken = true }
      return !isTaken
    }
  }
}
