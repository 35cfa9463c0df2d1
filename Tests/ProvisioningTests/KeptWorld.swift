import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

@testable import Provisioning

/// A cluster with tenants whose volumes are kept: an API server in memory, a short form of Kubernetes' volume
/// controllers, and the whole provisioner, which can be killed after any write and started again.
final class KeptWorld: Sendable {
  static let host = "host-a"
  static let keptClass = "kept"

  let server: SimulatedAPIServer
  let time: any Timekeeper
  let truth: KeptTruth
  /// The client of all others: users and Kubernetes.
  let others: APIClient
  private let process: MortalProcess<ProvisionerUnderTest>

  init(
    faults: Faults = Faults(), time: any Timekeeper = FastTime(), keep: String = "forever",
    binding: String = "Immediate"
  ) async throws {
    self.time = time
    server = SimulatedAPIServer(faults: faults, time: time)
    process = MortalProcess(server)
    others = APIClient(server.undisturbed, time: time)
    truth = KeptTruth()
    let truth = truth
    server.audit { truth.see($0) }
    try await create(
      Node.resource, "a", [:], metadata: ["labels": .object([.init(ClusterNames.hostnameLabel, .string(Self.host))])])
    var said = NodeStorageObject(node: "a", namespace: "elastic-local", owner: nil)
    said.storage = storage("a", gibibytes: 1000)
    _ = try await others.create(said)
    _ = try await others.patch(
      NodeStorageObject.self, said.metadata.key, .merge(["status": said.status.json]), subresource: "status")
    try await addClass(Self.keptClass, keep: keep, binding: binding)
  }

  func addClass(_ name: String, keep: String?, binding: String = "Immediate") async throws {
    try await create(
      StorageClass.resource, name,
      [
        "provisioner": .string(ClusterNames.provisioner), "volumeBindingMode": .string(binding),
        "reclaimPolicy": "Delete", "parameters": keep.map { ["keep": .string($0)] } ?? [:],
      ])
  }

  // MARK: The provisioner

  /// Starts a provisioner without memory.
  ///
  /// - Parameter writes: the number of changing requests after which its requests no longer reach the server; nil for
  ///   no limit.
  func startProvisioner(dyingAfter writes: Int? = nil) {
    process.start(dyingAfter: writes) {
      ProvisionerUnderTest($0, time: time, configuration: .init(nodeGrace: .seconds(60)))
    } run: {
      await $0.run()
    }
  }

  /// Whether the provisioner has been cut off.
  var isDead: Bool { process.isDead }

  var keptFigures: KeptFigures? {
    get async { await process.product?.keeper.figures }
  }

  /// Whether no object is being reconciled and none is due.
  var isIdle: Bool {
    guard let product = process.product else { return true }
    let (keeper, provisioner) = (product.keeper.keys, product.provisioner.keys)
    return keeper.due + keeper.running + provisioner.due + provisioner.running == 0
  }

  /// The number of requests of the provisioner that change PVs or claims.
  var writes: Int { process.writes }

  func stopProvisioner() async { await process.stop() }

  // MARK: Tenants

  func addNamespace(_ name: String, owner: String? = nil) async throws {
    let annotations: JSONValue = owner.map { .object([.init(ClusterNames.ownerAnnotation, .string($0))]) } ?? [:]
    try await create(
      Namespace.resource, name, ["status": ["phase": "Active"]],
      metadata: ["annotations": annotations, "finalizers": ["kubernetes"]])
  }

  func removeNamespace(_ name: String) async throws {
    try await others.delete(Namespace.resource, ObjectKey(name: name), uid: "")
  }

  func addClaim(
    _ namespace: String, _ name: String = "data", gibibytes: Int = 1, className: String = keptClass
  ) async throws {
    try await create(
      PersistentVolumeClaim.resource, name, namespace: namespace,
      [
        "spec": [
          "storageClassName": .string(className), "accessModes": ["ReadWriteOnce"],
          "resources": ["requests": ["storage": .string("\(gibibytes)Gi")]],
        ]
      ],
      metadata: [
        "finalizers": ["kubernetes.io/pvc-protection"],
        "annotations": .object([
          .init(PersistentVolumeClaim.provisionerAnnotations[0], .string(ClusterNames.provisioner))
        ]),
      ])
  }

  func removeClaim(_ namespace: String, _ name: String = "data") async throws {
    try await others.delete(
      PersistentVolumeClaim.resource, ObjectKey(namespace: namespace, name: name), uid: "")
  }

  func annotate(_ resource: APIResource, _ key: ObjectKey, _ name: String, _ value: String?) {
    server.edit(resource, key) { $0[["metadata", "annotations", name]] = value.map { .string($0) } }
  }

  func claim(_ namespace: String, _ name: String = "data") -> PersistentVolumeClaim? {
    server.objects(PersistentVolumeClaim.self).first {
      $0.metadata.key == ObjectKey(namespace: namespace, name: name)
    }
  }

  var volumes: [PersistentVolume] { server.objects(PersistentVolume.self) }

  func events(_ reason: EventReason) -> [Event] {
    server.objects(Event.self).filter { $0.reason == reason.rawValue }
  }

  // MARK: Kubernetes

  /// Runs the namespace controller, the protection of claims, the PV controller, the scheduler and the node's daemon
  /// once.
  ///
  /// - Parameter usedClaims: claims that pods use. They are not removed.
  func actAsKubernetes(usedClaims: Set<ObjectKey> = []) {
    let claims = server.objects(PersistentVolumeClaim.self)
    for namespace in server.objects(Namespace.self) where namespace.metadata.isBeingDeleted {
      let own = claims.filter { $0.metadata.namespace == namespace.metadata.name }
      if own.isEmpty {
        server.edit(Namespace.resource, namespace.metadata.key) { $0[["metadata", "finalizers"]] = [] }
      }
      for claim in own { server.remove(PersistentVolumeClaim.resource, claim.metadata.key) }
    }
    for claim in server.objects(PersistentVolumeClaim.self)
    where claim.metadata.isBeingDeleted && !usedClaims.contains(claim.metadata.key) {
      server.edit(PersistentVolumeClaim.resource, claim.metadata.key) { object in
        let rest = claim.metadata.finalizers.filter { $0 != "kubernetes.io/pvc-protection" }
        object[["metadata", "finalizers"]] = .array(rest.map { .string($0) })
      }
    }
    for claim in server.objects(PersistentVolumeClaim.self) where claim.volumeName.isEmpty && claim.selectedNode == nil
    {
      server.edit(PersistentVolumeClaim.resource, claim.metadata.key) {
        $0[["metadata", "annotations", PersistentVolumeClaim.selectedNodeAnnotation]] = "a"
      }
    }
    for volume in volumes where volume.removableInstance != nil {
      server.edit(PersistentVolume.resource, volume.metadata.key) { $0[["metadata", "finalizers"]] = [] }
    }
    server.act(.binder)
  }

  private func create(
    _ resource: APIResource, _ name: String, namespace: String = "", _ content: JSONValue, metadata: JSONValue = [:]
  ) async throws {
    let head: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
      "metadata": metadata.merged(with: ["name": .string(name)]),
    ]
    try await others.create(head.merged(with: content), in: namespace, as: resource)
  }
}
