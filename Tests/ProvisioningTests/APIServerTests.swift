import Controllers
import JSON
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Provisioning

/// The whole provisioner with its lists, watches, Events and requests at a simulated API server.
@Suite("The provisioner at an API server", .timeLimit(.minutes(5)))
struct APIServerTests {
  @Test(
    "with lost and late answers, refusals, and watches that break, fall behind and expire, no node has more PVs than fit, and in the end each claim has one and all numbers are right",
    arguments: 0..<8)
  func disturbed(seed: UInt64) async throws {
    let world = try await World(seed: seed)
    let running = Task { await world.run() }
    var dice = Dice(seed: seed)
    for step in 0..<200 {
      switch dice.next() % 12 {
      case 0...2: try await world.claim("claim-\(step)", gibibytes: 1 + dice.next() % 3)
      case 3: try await world.removeSomeClaim(&dice)
      case 4: world.server.endWatches(isBroken: dice.once(in: 2))
      case 5: if dice.once(in: 3) { world.server.compact() }
      case 6: world.server.holdWatches()
      case 7, 8: world.server.showWatches()
      default: try await Task.sleep(for: .milliseconds(2))
      }
      world.actAsKubernetes(&dice)
      for (host, bytes) in world.taken {
        #expect(bytes <= .gibibytes(World.gibibytes), "seed \(seed), step \(step): \(host)")
      }
    }
    world.server.endDisturbances()
    let isSettled = await eventually {
      world.actAsKubernetes(&dice)
      return world.isSettled
    }
    #expect(isSettled, "seed \(seed): \(world.description)")
    for host in World.hosts {
      let free = ByteCount.gibibytes(World.gibibytes) - (world.taken[host] ?? .zero)
      #expect(await world.becomes(free, on: host), "seed \(seed): \(host), not \(free)")
    }
    #expect(world.server.requests.count { $0.hasPrefix("POST /api/v1/persistentvolumes") } > 10)
    running.cancel()
    await running.value
  }

  private struct World: Sendable {
    static let gibibytes: UInt64 = 8
    static let hosts = ["host-a", "host-b"]
    static let namespace = "elastic-local"

    let server: SimulatedAPIServer
    private let product: ProvisionerUnderTest
    /// The client of all others: users and Kubernetes.
    private let others: APIClient

    init(seed: UInt64) async throws {
      let time = FastTime()
      var faults = Faults(seed: seed)
      (faults.lostBefore, faults.lostAfter, faults.late) = (12, 12, 12)
      (faults.unreachable, faults.tooMany, faults.failing, faults.brokenWatch) = (20, 20, 20, 20)
      server = SimulatedAPIServer(faults: faults, time: time)
      others = APIClient(server.undisturbed)
      product = ProvisionerUnderTest(server, time: time)
      for name in ["a", "b"] { try await addNode(name) }
      try await create(
        StorageClass.resource, "elastic-local",
        ["provisioner": .string(ClusterNames.provisioner), "volumeBindingMode": "WaitForFirstConsumer"])
    }

    func run() async { await product.run() }

    // MARK: what there is

    private func create(
      _ resource: APIResource, _ name: String, namespace: String = "", _ content: JSONValue,
      labels: JSONValue = [:], annotations: JSONValue = [:]
    ) async throws {
      let head: JSONValue = [
        "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
        "metadata": ["name": .string(name), "labels": labels, "annotations": annotations],
      ]
      try await others.create(head.merged(with: content), in: namespace, as: resource)
    }

    private func addNode(_ name: String) async throws {
      try await create(
        Node.resource, name, [:], labels: .object([.init(ClusterNames.hostnameLabel, .string("host-\(name)"))]))
      var said = NodeStorageObject(node: name, namespace: Self.namespace, owner: nil)
      said.storage = storage(name, gibibytes: Self.gibibytes)
      _ = try await others.create(said)
      _ = try await others.patch(
        NodeStorageObject.self, said.metadata.key, .merge(["status": said.status.json]), subresource: "status")
    }

    /// Only as many as certainly fit.
    func claim(_ name: String, gibibytes: UInt64) async throws {
      let claimed = server.objects(PersistentVolumeClaim.self).compactMap { $0.request?.byteCount }
      let all = claimed.reduce(ByteCount.gibibytes(gibibytes)) { $0 + $1 }
      guard all <= .gibibytes(2 * Self.gibibytes - 4) else { return }
      let spec: JSONValue = [
        "storageClassName": "elastic-local", "accessModes": ["ReadWriteOnce"],
        "resources": ["requests": ["storage": .string("\(gibibytes)Gi")]],
      ]
      try await create(
        PersistentVolumeClaim.resource, name, namespace: "default", ["spec": spec],
        annotations: .object([
          .init(PersistentVolumeClaim.provisionerAnnotations[0], .string(ClusterNames.provisioner))
        ]))
    }

    func removeSomeClaim(_ dice: inout Dice) async throws {
      let claims = server.objects(PersistentVolumeClaim.self)
      guard !claims.isEmpty else { return }
      let claim = dice.pick(claims)
      try await others.delete(PersistentVolumeClaim.resource, claim.metadata.key, uid: claim.metadata.uid)
    }

    var taken: [String: ByteCount] {
      server.objects(PersistentVolume.self).reduce(into: [:]) { sums, volume in
        guard let host = volume.hostname else { return }
        sums[host] = (sums[host] ?? .zero) + volume.size
      }
    }

    // MARK: Kubernetes and the daemons

    /// Runs the scheduler, the PV controller and the nodes' daemons once.
    func actAsKubernetes(_ dice: inout Dice) {
      for claim in server.objects(PersistentVolumeClaim.self)
      where claim.volumeName.isEmpty && claim.selectedNode == nil {
        let node = dice.pick(["a", "b"])
        server.edit(PersistentVolumeClaim.resource, claim.metadata.key) {
          $0[["metadata", "annotations", PersistentVolumeClaim.selectedNodeAnnotation]] = .string(node)
        }
      }
      for volume in server.objects(PersistentVolume.self) where volume.removableInstance != nil {
        server.edit(PersistentVolume.resource, volume.metadata.key) { $0[["metadata", "finalizers"]] = [] }
      }
      server.act(.binder)
    }

    // MARK: the end

    var isSettled: Bool {
      let claims = server.objects(PersistentVolumeClaim.self)
      return claims.allSatisfy { $0.phase == "Bound" }
        && Set(claims.map(\.metadata.uid)) == Set(server.objects(PersistentVolume.self).map { $0.claim?.uid ?? "" })
    }

    var description: String {
      let claims = server.objects(PersistentVolumeClaim.self).map { "\($0.metadata.name) \($0.phase)" }
      let volumes = server.objects(PersistentVolume.self).map { "\($0.metadata.name) \($0.phase)" }
      return "\(claims), \(volumes)"
    }

    /// Waits until the allocator and the CSIStorageCapacity object have this free space; false after a minute.
    func becomes(_ free: ByteCount, on host: String) async -> Bool {
      for _ in 0..<12_000 {
        let known = await product.allocator.freeSpaces(on: host, at: [DeviceClass()])[DeviceClass()]
        let told = server.objects(CSIStorageCapacity.self).filter { $0.nodeLabels[ClusterNames.hostnameLabel] == host }
        if known == free, told.count == 1, told.first?.capacity?.byteCount == free { return true }
        try? await Task.sleep(for: .milliseconds(5))
      }
      return false
    }
  }
}
