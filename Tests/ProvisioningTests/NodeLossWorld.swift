import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Provisioning

/// A cluster with StatefulSets of one pod each, at a simulated API server, and a provisioner that leads.
///
/// ``actAsKubernetes()`` runs the PV controller, the protection of claims, the scheduler, and a StatefulSet controller
/// like that before 1.30, which creates claims only together with their pods.
final class NodeLossWorld: Sendable {
  static let namespace = "elastic-local"
  static let className = "elastic-local"
  static let grace = Duration.seconds(60)

  let server: SimulatedAPIServer
  let wire: NodeLossWire
  private let time: FastTime
  private let limit: Int
  /// The client of all others: users and Kubernetes.
  private let others: APIClient
  private let sets = Mutex<[StatefulSet]>([])
  private let lead = Mutex<Lead?>(nil)

  struct StatefulSet: Sendable {
    var name: String
    /// The node of its first pod.
    var node: String
    var hasController = true

    var claim: String { "data-\(name)" }
  }

  private struct Lead: Sendable {
    var product: ProvisionerUnderTest
    var work: Task<Void, Never>
  }

  init(
    nodes: [String], policy: String = "recreateClaim", keep: String? = nil, limit: Int = 10, faults: Faults = Faults(),
    speed: Int = 1000
  ) async throws {
    self.limit = limit
    time = FastTime(factor: speed)
    server = SimulatedAPIServer(faults: faults, time: time)
    server.collectsGarbage(false)
    wire = NodeLossWire(server, time: time)
    others = APIClient(server.undisturbed)
    try await create(Namespace.resource, "default", [:])
    for node in nodes { try await addNode(node) }
    try await create(
      StorageClass.resource, Self.className,
      [
        "provisioner": .string(ClusterNames.provisioner), "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "parameters": .members(["onNodeLoss": .string(policy), "keep": keep.map { .string($0) }]),
      ])
  }

  /// Runs the body with a provisioner at work.
  ///
  /// - Parameter speed: how many times as fast the provisioner's clock runs.
  static func with(
    nodes: [String], policy: String = "recreateClaim", keep: String? = nil, limit: Int = 10, faults: Faults = Faults(),
    speed: Int = 1000,
    _ body: (NodeLossWorld) async throws -> Void
  ) async throws {
    let world = try await NodeLossWorld(
      nodes: nodes, policy: policy, keep: keep, limit: limit, faults: faults, speed: speed)
    world.begin()
    do {
      try await body(world)
    } catch {
      await world.end()
      throw error
    }
    await world.end()
    #expect(world.wire.violations == [])
    #expect(world.wire.mostSetAside <= limit)
  }

  // MARK: The provisioner

  func begin() {
    var configuration = Provisioner.Configuration(nodeGrace: Self.grace)
    configuration.nodeLossLimit = limit
    let product = ProvisionerUnderTest(wire, time: time, configuration: configuration)
    lead.withLock { $0 = Lead(product: product, work: Task { await product.run() }) }
  }

  func end() async {
    guard let former = lead.withLock({ $0.take() }) else { return }
    former.work.cancel()
    await former.work.value
  }

  /// Has another provisioner without memory lead.
  func changeLeader() async {
    await end()
    wire.mend()
    begin()
  }

  var snapshot: Snapshot? {
    get async { await lead.withLock { $0?.product }?.provisioner.snapshot }
  }

  // MARK: What there is

  private func create(
    _ resource: APIResource, _ name: String, namespace: String = "", _ content: JSONValue,
    labels: JSONValue = [:], annotations: JSONValue = [:], more: JSONValue = [:]
  ) async throws {
    let metadata: JSONValue = ["name": .string(name), "labels": labels, "annotations": annotations]
    let head: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
      "metadata": metadata.merged(with: more),
    ]
    try await others.create(head.merged(with: content), in: namespace, as: resource)
  }

  /// - Parameter hostname: nil for `host-NAME`.
  func addNode(_ name: String, hostname: String? = nil) async throws {
    try await create(
      Node.resource, name, [:],
      labels: .object([.init(ClusterNames.hostnameLabel, .string(hostname ?? "host-\(name)"))]))
    var said = NodeStorageObject(node: name, namespace: Self.namespace, owner: nil)
    said.storage = storage(name, gibibytes: 1000)
    do throws(APIError) {
      _ = try await others.create(said)
    } catch {
      // The daemon's NodeStorage object outlives the Node object.
      guard error.kind != .alreadyExists else { return }
      throw error
    }
    _ = try await others.patch(
      NodeStorageObject.self, said.metadata.key, .merge(["status": said.status.json]), subresource: "status")
  }

  func removeNode(_ name: String) async throws {
    guard let node = server.objects(Node.self).first(where: { $0.metadata.name == name }) else { return }
    try await others.delete(Node.resource, node.metadata.key, uid: node.metadata.uid)
  }

  func isMissing(_ node: String) -> Bool { !server.objects(Node.self).contains { $0.metadata.name == node } }

  /// Adds StatefulSets, and waits until their pods have been scheduled.
  func add(_ new: [StatefulSet]) async {
    sets.withLock { $0 += new }
    await eventually("all pods are scheduled") { isSettled }
  }

  /// The claim of a StatefulSet.
  func claim(_ set: String) -> PersistentVolumeClaim? {
    server.objects(PersistentVolumeClaim.self).first { $0.metadata.name == "data-\(set)" }
  }

  func volume(_ name: String) -> PersistentVolume? {
    server.objects(PersistentVolume.self).first { $0.metadata.name == name }
  }

  func pod(_ set: String) -> Pod? { server.objects(Pod.self).first { $0.metadata.name == set } }

  var volumesSetAside: [PersistentVolume] { server.objects(PersistentVolume.self).filter(\.isSetAside) }

  /// The StatefulSets whose claims have been created again.
  var setAsideAndConcluded: [PersistentVolume] {
    let claims = server.objects(PersistentVolumeClaim.self)
    return volumesSetAside.filter { volume in
      !volume.metadata.isBeingDeleted
        && claims.contains { $0.metadata.name == volume.claim?.name && $0.metadata.uid != volume.claim?.uid }
    }
  }

  func events(_ reason: EventReason, _ kind: String) -> [Event] {
    server.objects(Event.self).filter { $0.reason == reason.rawValue && $0.involvedObject.kind == kind }
  }

  func deleteVolume(_ name: String) async throws {
    guard let volume = volume(name) else { return }
    try await others.delete(PersistentVolume.resource, volume.metadata.key, uid: volume.metadata.uid)
  }

  /// Deletes a claim and creates another of the same name.
  func replaceClaim(_ set: String) async throws {
    guard let claim = claim(set) else { return }
    server.edit(PersistentVolumeClaim.resource, claim.metadata.key) { $0[["metadata", "finalizers"]] = [] }
    try await others.delete(PersistentVolumeClaim.resource, claim.metadata.key, uid: claim.metadata.uid)
    try await createClaim(claim.metadata.name)
  }

  // MARK: Kubernetes

  private static let protection = "kubernetes.io/pvc-protection"

  /// Whether every pod is on an existing node, and its claim is bound.
  var isSettled: Bool {
    let nodes = Set(server.objects(Node.self).map(\.metadata.name))
    return sets.withLock { $0 }.allSatisfy { set in
      guard let claim = claim(set.name), let pod = pod(set.name) else { return false }
      return claim.phase == "Bound" && nodes.contains(pod.nodeName)
    }
  }

  func actAsKubernetes() async {
    protectClaims()
    server.act(.binder)
    await actAsStatefulSets()
    schedule()
  }

  /// Removes claims that are being deleted and that no scheduled pod uses.
  private func protectClaims() {
    let pods = server.objects(Pod.self)
    for claim in server.objects(PersistentVolumeClaim.self) where claim.metadata.isBeingDeleted {
      guard !pods.contains(where: { !$0.nodeName.isEmpty && $0.claimNames.contains(claim.metadata.name) }) else {
        continue
      }
      server.edit(PersistentVolumeClaim.resource, claim.metadata.key) { $0[["metadata", "finalizers"]] = [] }
    }
  }

  private func actAsStatefulSets() async {
    for set in sets.withLock({ $0 }) where pod(set.name) == nil {
      do {
        if claim(set.name) == nil { try await createClaim(set.claim) }
        try await createPod(set.name, claim: set.claim, hasController: set.hasController)
      } catch {
        Issue.record("\(error)")
      }
    }
  }

  private func createClaim(_ name: String) async throws {
    try await create(
      PersistentVolumeClaim.resource, name, namespace: "default",
      [
        "spec": [
          "storageClassName": .string(Self.className), "accessModes": ["ReadWriteOnce"],
          "resources": ["requests": ["storage": "1Gi"]],
        ]
      ],
      annotations: .object([
        .init(PersistentVolumeClaim.provisionerAnnotations[0], .string(ClusterNames.provisioner))
      ]), more: ["finalizers": [.string(Self.protection)]])
  }

  func createPod(_ name: String, claim: String, hasController: Bool = true, node: String? = nil) async throws {
    let owner = OwnerReference(apiVersion: "apps/v1", kind: "StatefulSet", name: name, uid: name, isController: true)
    let volumes: JSONValue = [["name": "data", "persistentVolumeClaim": ["claimName": .string(claim)]]]
    try await create(
      Pod.resource, name, namespace: "default",
      ["spec": .members(["volumes": volumes, "nodeName": node.map { .string($0) }])],
      more: hasController ? ["ownerReferences": [owner.json]] : [:])
  }

  private func schedule() {
    let nodes = server.objects(Node.self)
    let preferred = sets.withLock { Dictionary(uniqueKeysWithValues: $0.map { ($0.claim, $0.node) }) }
    for pod in server.objects(Pod.self) where pod.nodeName.isEmpty {
      let name = pod.claimNames.first ?? ""
      guard let claim = server.objects(PersistentVolumeClaim.self).first(where: { $0.metadata.name == name }),
        !claim.metadata.isBeingDeleted
      else { continue }
      if claim.volumeName.isEmpty {
        let names = nodes.map(\.metadata.name).sorted()
        guard claim.selectedNode == nil, let node = names.first(where: { $0 == preferred[name] }) ?? names.last
        else { continue }
        server.edit(PersistentVolumeClaim.resource, claim.metadata.key) {
          $0[["metadata", "annotations", PersistentVolumeClaim.selectedNodeAnnotation]] = .string(node)
        }
        continue
      }
      let hostname = volume(claim.volumeName)?.hostname
      guard let node = nodes.first(where: { $0.metadata.labels[ClusterNames.hostnameLabel] == hostname }) else {
        continue
      }
      server.edit(Pod.resource, pod.metadata.key) { $0[["spec", "nodeName"]] = .string(node.metadata.name) }
    }
  }

  /// Lets Kubernetes' controllers act until a condition holds, for at most 60 real seconds.
  func eventually(
    _ what: String, at location: SourceLocation = #_sourceLocation, _ isTrue: () async -> Bool
  ) async {
    let end = ContinuousClock.now + .seconds(60)
    repeat {
      await actAsKubernetes()
      if await isTrue() { return }
      try? await Task.sleep(for: .milliseconds(2))
    } while ContinuousClock.now < end
    Issue.record("never: \(what); \(description)", sourceLocation: location)
  }

  private var description: String {
    let claims = server.objects(PersistentVolumeClaim.self).map { "\($0.metadata.name) \($0.phase) \($0.volumeName)" }
    let volumes = server.objects(PersistentVolume.self).map {
      "\($0.metadata.name) \($0.phase) \($0.hostname ?? "") \($0.isSetAside ? "set aside" : "")"
    }
    let pods = server.objects(Pod.self).map { "\($0.metadata.name) on \($0.nodeName)" }
    return "\(claims), \(volumes), \(pods), \(server.requests.suffix(12))"
  }
}
