package import Controllers
internal import KubernetesAPI
package import NodeService
internal import StorageLedger
internal import StorageModel
internal import Synchronization
package import Telemetry

/// The daemon's connection to the cluster. It reads the daemon's own objects, then reconciles until it is cancelled.
package final class ClusterLink: Sendable {
  private let api: APIAccess
  private let identity: Identity
  private let context: NodeContext
  private let knowledge: Knowledge
  private let reconciler = Mutex<NodeReconciler?>(nil)

  /// The daemon's own names in the cluster.
  package struct Identity: Sendable {
    package var node: String
    package var namespace: String
    /// Its own pod; nil outside a cluster.
    package var pod: String?
    package var isThinByDefault: Bool

    package init(node: String, namespace: String, pod: String?, isThinByDefault: Bool) {
      self.node = node
      self.namespace = namespace
      self.pod = pod
      self.isThinByDefault = isThinByDefault
    }
  }

  /// - Parameter knowledge: what is known about PVs; `context` consults it.
  package init(_ api: APIAccess, identity: Identity, context: NodeContext, knowledge: Knowledge) {
    self.api = api
    self.identity = identity
    self.context = context
    self.knowledge = knowledge
  }

  /// Runs until the task is cancelled. No failure here ends the daemon.
  package func run() async { await ControllerHost(api).run { [self] term in await work(term) } }

  private func work(_ term: Term) async {
    guard let hostname = await api.insist("node", { () async throws(APIError) in try await hostname() }),
      let owner = await api.insist("pod", { () async throws(APIError) in try await owner() }),
      let reported = await api.insist("reports", { () async throws(APIError) in try await reported() })
    else { return }
    knowledge.resume(reported)
    let reconciler = NodeReconciler(
      service: VolumeService(context),
      writes: APINodeWrites(api, node: identity.node, namespace: identity.namespace, owner: owner),
      knowledge: knowledge,
      configuration: .init(node: identity.node, hostname: hostname, isThinByDefault: identity.isThinByDefault),
      log: context.log)
    let selection = Selection(labels: "\(ClusterNames.nodeLabel)=\(ClusterNames.nodeLabelValue(identity.node))")
    let volumes = term.caches.cache("volumes", PersistentVolume.self, selection)
    volumes.subscribe { change in
      if let (key, new) = change.object { await reconciler.volume(key.name, new) }
    }
    term.add(reconciler, reading: [volumes])
    self.reconciler.withLock { $0 = reconciler }
    context.log.notice("reconciling", ["node": identity.node, "hostname": hostname])
    await term.run()
    self.reconciler.withLock { $0 = nil }
  }

  /// The label by which volumes are pinned; without that label the node's name, which is kubelet's default.
  private func hostname() async throws(APIError) -> String {
    let node = try await api.client.get(Node.self, ObjectKey(name: identity.node))
    return node.metadata.labels[ClusterNames.hostnameLabel] ?? identity.node
  }

  /// The DaemonSet of this daemon. It owns the reported object, so both are deleted together.
  private func owner() async throws(APIError) -> OwnerReference? {
    guard let name = identity.pod else { return nil }
    let pod = try await api.client.get(Pod.self, ObjectKey(namespace: identity.namespace, name: name))
    return pod.metadata.ownerReferences.first { $0.kind == "DaemonSet" }
  }

  /// The reports that this node wrote before; empty when there are none.
  private func reported() async throws(APIError) -> [VolumeReport] {
    let key = ObjectKey(namespace: identity.namespace, name: identity.node)
    do throws(APIError) {
      return try await api.client.get(NodeStorageObject.self, key).reports
    } catch {
      guard error.kind == .notFound else { throw error }
      return []
    }
  }
}

extension ClusterLink: ClusterSide {
  package var metrics: Exposition {
    get async {
      let reconciler = reconciler.withLock { $0 }
      return ClusterMetrics(
        api: api.metrics, volumes: await reconciler?.knownVolumes ?? 0,
        stuckRemovals: await reconciler?.stuckRemovals ?? 0, lostVolumes: await reconciler?.lostVolumes ?? 0,
        abnormalVolumes: await reconciler?.abnormalVolumes ?? 0, orphans: knowledge.orphans?.count
      ).exposition
    }
  }
}
