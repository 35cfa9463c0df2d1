import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Pools
@testable import Provisioning

/// A cluster with pools: an API server in memory, Kubernetes' controllers in short, and the whole provisioner with its pools,
/// which can be killed after any request and begun anew.
final class PoolWorld: Sendable {
  static let namespace = "elastic-local"
  /// Ours, with the scheduler's choice.
  static let ours = "elastic-local"
  /// Another product's, with the scheduler's choice.
  static let foreign = "foreign"

  let server: SimulatedAPIServer
  let time: any Timekeeper
  let truth: PoolTruth
  /// Whoever is not the provisioner.
  let others: APIClient
  let kubernetes: KubernetesControllers
  private let process: MortalProcess<ProvisionerWithPools>
  private let jobs = Mutex<@Sendable (ObjectKey) -> KubernetesControllers.JobEnd>({ _ in .completes })

  static let served =
    ServedResource.ours + [
      ServedResource(Pool.resource, hasStatus: true, isCustom: true),
      ServedResource(Checkout.resource, hasStatus: true, isCustom: true),
      ServedResource(InitJob.resource, hasStatus: true),
      ServedResource(AdmissionPolicy.resource), ServedResource(AdmissionPolicyBinding.resource),
    ]

  /// - Parameter nodes: the free space of each, in GiB.
  init(
    faults: Faults = Faults(), time: any Timekeeper = FastClock(), nodes: [String: UInt64] = ["a": 1000]
  ) async throws {
    self.time = time
    server = SimulatedAPIServer(Self.served, faults: faults, time: time)
    process = MortalProcess(server)
    others = APIClient(server.undisturbed, time: time)
    kubernetes = KubernetesControllers(server, node: nodes.keys.min() ?? "a")
    truth = PoolTruth()
    let truth = truth
    server.audit { truth.see($0) }
    for (name, gibibytes) in nodes { try await addNode(name, gibibytes: gibibytes) }
    try await addClass(Self.ours, ClusterNames.provisioner)
    try await addClass(Self.foreign, "example.org/disks")
  }

  /// A cluster where a provisioner works and one pool has all its replicas.
  static func settled(replicas: Int, className: String = ours) async throws -> PoolWorld {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: replicas, className: className)
    let isSettled = await world.becomes { world.isSettled(at: replicas) }
    try #require(isSettled, "\(world.description)")
    return world
  }

  // MARK: The cluster

  func addNode(_ name: String, gibibytes: UInt64, labels: [String: String] = [:]) async throws {
    let all = labels.merging([ClusterNames.hostnameLabel: "host-\(name)"]) { $1 }
    try await create(
      Node.resource, name, [:],
      metadata: ["labels": .object(all.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })])
    var said = NodeStorageObject(node: name, namespace: Self.namespace, owner: nil)
    said.storage = NodeStorage(
      node: name, defaultGroup: "vg", isThinByDefault: false,
      classes: [
        .init(group: "vg", isThin: false, sizeBytes: gibibytes << 30, reservedBytes: 0, extentBytes: 4 << 20)
      ])
    _ = try await others.create(said)
    try await setSpace(of: name, gibibytes: gibibytes)
  }

  func setSpace(of node: String, gibibytes: UInt64) async throws {
    var said = NodeStorageObject(node: node, namespace: Self.namespace, owner: nil)
    said.storage = NodeStorage(
      node: node, defaultGroup: "vg", isThinByDefault: false,
      classes: [
        .init(group: "vg", isThin: false, sizeBytes: gibibytes << 30, reservedBytes: 0, extentBytes: 4 << 20)
      ])
    _ = try await others.patch(
      NodeStorageObject.self, said.metadata.key, .merge(["status": said.status.json]), subresource: "status")
  }

  func addClass(
    _ name: String, _ provisioner: String, binding: String = "WaitForFirstConsumer", parameters: JSONValue = [:]
  ) async throws {
    try await create(
      StorageClass.resource, name,
      [
        "provisioner": .string(provisioner), "volumeBindingMode": .string(binding), "reclaimPolicy": "Delete",
        "parameters": parameters,
      ])
  }

  /// - Parameter spec: what else the specification has.
  func addPool(
    _ name: String = "pool", in namespace: String = "x", replicas: Int, className: String = PoolWorld.ours,
    label: String? = nil, _ spec: JSONValue = [:]
  ) async throws {
    let labels: JSONValue = ["pool": .string(label ?? name)]
    let usual: JSONValue = [
      "replicas": .number(Int64(replicas)), "selector": ["matchLabels": labels],
      "template": [
        "metadata": ["labels": labels],
        "spec": [
          "storageClassName": .string(className), "accessModes": ["ReadWriteOnce"],
          "resources": ["requests": ["storage": "1Gi"]],
        ],
      ],
    ]
    try await create(Pool.resource, name, namespace: namespace, ["spec": usual.merged(with: spec)])
  }

  func scale(_ name: String = "pool", in namespace: String = "x", to replicas: Int) async throws {
    _ = try await others.patch(
      Pool.self, ObjectKey(namespace: namespace, name: name), .merge(["spec": ["replicas": .number(Int64(replicas))]]))
  }

  func addCheckout(
    _ name: String, in namespace: String = "x", pool: String = "pool", poolNamespace: String? = nil,
    _ spec: JSONValue = [:]
  ) async throws {
    let reference: JSONValue = .members([
      "name": .string(pool), "namespace": poolNamespace.map { .string($0) },
    ])
    try await create(
      Checkout.resource, name, namespace: namespace, ["spec": (["poolRef": reference] as JSONValue).merged(with: spec)])
  }

  func addClaim(
    _ name: String, in namespace: String = "x", labels: JSONValue = [:], volumeName: String? = nil,
    className: String = "other", owner: JSONValue? = nil
  ) async throws {
    try await create(
      PersistentVolumeClaim.resource, name, namespace: namespace,
      [
        "spec": .members([
          "storageClassName": .string(className), "accessModes": ["ReadWriteOnce"],
          "resources": ["requests": ["storage": "1Gi"]], "volumeName": volumeName.map { .string($0) },
        ])
      ], metadata: .members(["labels": labels, "ownerReferences": owner.map { .array([$0]) }]))
  }

  func remove(_ resource: APIResource, _ name: String, in namespace: String = "x") async throws {
    try await others.delete(resource, ObjectKey(namespace: namespace, name: name), uid: "")
  }

  func setJobs(_ end: @escaping @Sendable (ObjectKey) -> KubernetesControllers.JobEnd) { jobs.withLock { $0 = end } }

  func create(
    _ resource: APIResource, _ name: String, namespace: String = "", _ content: JSONValue, metadata: JSONValue = [:]
  ) async throws {
    let head: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
      "metadata": metadata.merged(with: ["name": .string(name)]),
    ]
    try await others.create(head.merged(with: content), in: namespace, as: resource)
  }

  // MARK: The provisioner

  /// Begins a provisioner that knows nothing.
  ///
  /// - Parameter writes: after so many requests that change something nothing of it gets through any more; nil for no end.
  func start(dyingAfter writes: Int? = nil) {
    process.start(dyingAfter: writes) {
      ProvisionerWithPools($0, time: time)
    } run: {
      await $0.run()
    }
  }

  /// Whether it has made its last request.
  var isDead: Bool { process.isDead }

  /// Whether nothing is looked at, and nothing has to be by now.
  var isIdle: Bool {
    guard let product = process.product else { return true }
    let (pools, checkouts, claims) = (product.pools.pools.keys, product.pools.checkouts.keys, product.provisioner.keys)
    return pools.due + pools.running + checkouts.due + checkouts.running + claims.due + claims.running == 0
  }

  var controllers: PoolControllers? { process.product?.pools }

  func stop() async { await process.stop() }

  /// Ends the provisioner. Nothing may have happened that must not.
  func end(_ location: SourceLocation = #_sourceLocation) async {
    await stop()
    #expect(truth.violations == [], sourceLocation: location)
  }

  /// Waits until it is so, while Kubernetes works.
  func becomes(used: Set<ObjectKey> = [], _ condition: () -> Bool) async -> Bool {
    await eventually {
      actAsKubernetes(used: used)
      return condition()
    }
  }

  func actAsKubernetes(used: Set<ObjectKey> = []) {
    let end = jobs.withLock { $0 }
    kubernetes.act(used: used, jobs: end)
  }
}

// MARK: - What there is

extension PoolWorld {
  var volumes: [PersistentVolume] { server.objects(PersistentVolume.self) }
  var claims: [PersistentVolumeClaim] { server.objects(PersistentVolumeClaim.self) }
  var jobsNow: [InitJob] { server.objects(InitJob.self) }

  func pool(_ name: String = "pool", in namespace: String = "x") -> Pool? {
    server.objects(Pool.self).first { $0.metadata.key == ObjectKey(namespace: namespace, name: name) }
  }

  func checkout(_ name: String, in namespace: String = "x") -> Checkout? {
    server.objects(Checkout.self).first { $0.metadata.key == ObjectKey(namespace: namespace, name: name) }
  }

  func claim(_ name: String, in namespace: String = "x") -> PersistentVolumeClaim? {
    claims.first { $0.metadata.key == ObjectKey(namespace: namespace, name: name) }
  }

  func replicas(of name: String = "pool", in namespace: String = "x") -> [PersistentVolumeClaim] {
    claims.filter {
      $0.metadata.namespace == namespace && $0.metadata.controller?.name == name
        && $0.metadata.controller?.kind == "Pool"
    }
  }

  /// Settled at its present generation.
  func isSettled(_ name: String = "pool", in namespace: String = "x", at count: Int) -> Bool {
    guard let pool = pool(name, in: namespace) else { return false }
    return pool.status.observedGeneration == pool.metadata.generation
      && pool.status.conditions.isTrue(PoolCondition.settlement) && pool.status.availableReplicas == count
      && pool.status.replicas == count
  }

  func acquired(_ name: String, in namespace: String = "x") -> Condition? {
    checkout(name, in: namespace)?.status.conditions[CheckoutCondition.acquired]
  }

  func isAcquired(_ name: String, in namespace: String = "x") -> Bool {
    acquired(name, in: namespace)?.status == "True"
  }

  /// The PV that a checkout's claim is bound to.
  func volume(of claim: String, in namespace: String = "x") -> PersistentVolume? {
    guard let claim = self.claim(claim, in: namespace), claim.phase == "Bound" else { return nil }
    return volumes.first { $0.metadata.name == claim.volumeName && $0.claim?.uid == claim.metadata.uid }
  }

  func events(_ reason: EventReason) -> [Event] {
    server.objects(Event.self).filter { $0.reason == reason.rawValue }
  }

  var description: String {
    let pools = server.objects(Pool.self).map {
      "pool \($0.metadata.key) wants \($0.spec.replicas) has \($0.status.availableReplicas) \($0.status.conditions.all.map { "\($0.type)=\($0.status)/\($0.reason) \($0.message)" })"
    }
    let checkouts = server.objects(Checkout.self).map {
      "checkout \($0.metadata.key) \($0.metadata.uid) \($0.status.conditions.all.map { "\($0.status)/\($0.reason) \($0.message)" })\($0.metadata.isBeingDeleted ? " going" : "")"
    }
    let claims = claims.map {
      "claim \($0.metadata.key) \($0.metadata.uid) \($0.phase) → \($0.volumeName) of \($0.metadata.controller?.kind ?? "") \($0.metadata.controller?.name ?? "") \($0.metadata.annotations[PoolNames.phaseAnnotation] ?? "")\($0.metadata.isBeingDeleted ? " going" : "")"
    }
    let volumes = volumes.map {
      "PV \($0.metadata.name) \($0.phase) of \($0.claim?.name ?? "") \($0.claim?.uid ?? "")\($0.metadata.isBeingDeleted ? " going" : "")"
    }
    let jobs = jobsNow.map { "job \($0.metadata.name) \($0.conditions.map(\.type))" }
    let events = server.objects(Event.self).suffix(6).map { "\($0.reason): \($0.message)" }
    return (pools + checkouts + claims + volumes + jobs + events).joined(separator: "\n")
  }
}

/// The whole provisioner with pools at an API server, as the executable puts it together.
struct ProvisionerWithPools: Sendable {
  let pools: PoolControllers
  let provisioner: Provisioner
  private let allocator: Allocator
  private let events: EventRecorder
  private let term: Term

  init(_ transport: any APITransport, time: any Timekeeper) {
    let client = APIClient(transport, time: time)
    events = EventRecorder(client, component: "test")
    let writes = APIWrites(client: client, events: events, namespace: PoolWorld.namespace)
    let keptWrites = APIKeptVolumeWrites(client: client, events: events)
    allocator = Allocator(writes: writes, time: time)
    provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: KeptAccess(writes: keptWrites) { _ in false },
      configuration: .init(nodeGrace: .seconds(60)), time: time, log: { _ in })
    term = Term(Caches(client) { _, _, _ in })
    let cluster = ClusterCaches(term.caches, namespace: PoolWorld.namespace, hasPools: true)
    cluster.feed(provisioner)
    term.add(provisioner, reading: cluster.all)
    pools = cluster.addPools(
      to: term, client: client, events: events, allocator: allocator, time: time, log: { _ in })
  }

  /// Works until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await events.run() }
      group.addTask { await allocator.run() }
      group.addTask { await term.run() }
    }
  }
}
