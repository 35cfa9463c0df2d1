package import KubernetesAPI
internal import LinuxSystem
package import NodeService
internal import StorageModel
internal import Synchronization
internal import Telemetry

/// The daemon's way to the cluster: finds out who it is there, then reconciles until it is told to stop.
package final class ClusterLink: Sendable {
  private let transport: CountingTransport
  private let client: APIClient
  private let identity: Identity
  private let context: NodeContext
  private let knowledge: Knowledge
  private let state = Mutex(State())

  private struct State {
    var reconciler: NodeReconciler?
    var events: EventRecorder?
    var failures: [String: Int] = [:]
  }

  /// Who this daemon is in the cluster.
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

  /// - Parameter knowledge: what `context` asks.
  package init(transport: CountingTransport, identity: Identity, context: NodeContext, knowledge: Knowledge) {
    self.transport = transport
    client = APIClient(transport)
    self.identity = identity
    self.context = context
    self.knowledge = knowledge
  }

  /// Until the task is cancelled. Nothing here is ever the end of the daemon.
  package func run() async {
    guard let hostname = await trying("node", { () async throws(APIError) in try await hostname() }) else { return }
    guard let owner = await trying("pod", { () async throws(APIError) in try await owner() }) else { return }
    let events = EventRecorder(client, component: "elastic-local-node", host: identity.node)
    let writes = APINodeWrites(
      client: client, events: events, node: identity.node, namespace: identity.namespace, owner: owner)
    guard let reported = await trying("reports", { () async throws(APIError) in try await writes.reported() }) else {
      return
    }
    knowledge.resume(reported)
    let reconciler = NodeReconciler(
      service: VolumeService(context), writes: writes, knowledge: knowledge,
      settings: .init(node: identity.node, hostname: hostname, isThinByDefault: identity.isThinByDefault),
      log: context.log)
    state.withLock { ($0.reconciler, $0.events) = (reconciler, events) }
    let feed = NodeFeed(client: client, node: identity.node) { [self] part, error, wait in fail(part, error, wait) }
    context.log.notice("reconciling", ["node": identity.node, "hostname": hostname])
    await withDiscardingTaskGroup { group in
      group.addTask { await events.run() }
      group.addTask { await feed.run(reconciler) }
      group.addTask { await reconciler.run() }
    }
    state.withLock { $0.reconciler = nil }
  }

  /// The label that volumes are pinned by; the node's name where there is none, as kubelet would set it.
  private func hostname() async throws(APIError) -> String {
    let node = try await client.get(Node.self, ObjectKey(name: identity.node))
    return node.metadata.labels[ClusterNames.hostnameLabel] ?? identity.node
  }

  /// The DaemonSet that this daemon belongs to: what it publishes goes with it.
  private func owner() async throws(APIError) -> OwnerReference?? {
    guard let name = identity.pod else { return .some(nil) }
    let pod = try await client.get(Pod.self, ObjectKey(namespace: identity.namespace, name: name))
    return .some(pod.metadata.ownerReferences.first { $0.kind == "DaemonSet" })
  }

  /// Asks until there is an answer; nil when the task is cancelled.
  private func trying<Value>(
    _ part: String, _ body: () async throws(APIError) -> Value?
  ) async -> Value? {
    var wait = Duration.seconds(1)
    while !Task.isCancelled {
      do throws(APIError) {
        return try await body()
      } catch {
        fail(part, error, wait)
      }
      // Cancelled: the loop ends.
      try? await Task.sleep(for: wait)
      wait = min(wait * 2, .seconds(30))
    }
    return nil
  }

  private func fail(_ part: String, _ error: APIError, _ wait: Duration) {
    if error.kind == .cancelled { return }
    state.withLock { $0.failures[part, default: 0] += 1 }
    context.log.warning(
      "API server not read", ["part": part, "reason": error.description, "retryIn": "\(wait.inSeconds)s"])
  }
}

extension ClusterLink: ClusterSide {
  package var figures: ClusterMetrics {
    get async {
      let (reconciler, events, failures) = state.withLock { ($0.reconciler, $0.events, $0.failures) }
      return ClusterMetrics(
        failures: failures, requests: requests, volumes: await reconciler?.knownVolumes ?? 0,
        stuckRemovals: await reconciler?.stuckRemovals ?? 0, lostVolumes: await reconciler?.lostVolumes ?? 0,
        abnormalVolumes: await reconciler?.abnormalVolumes ?? 0, orphans: knowledge.orphans?.count,
        droppedEvents: events?.dropped ?? 0)
    }
  }

  private var requests: [ClusterMetrics.Requests] {
    transport.counts.sorted { $0.key < $1.key }.map { kind, count in
      ClusterMetrics.Requests(verb: kind.verb, resource: kind.resource, code: kind.code, count: count)
    }
  }
}
