package import KubernetesAPI
internal import StorageModel

/// The list and watch that a ``NodeReconciler`` works from: the PVs of its node.
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
      case .synced: if await first.take() { await reconciler.becomeSynced() }
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
