import Controllers
import JSON
import KubernetesAPI
import Provisioning
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

/// A cluster of claims: an API server in memory with Kubernetes' PV controller, and the actions of users, nodes and
/// administrators. UIDs are those of the samples.
final class ClaimWorld: Sendable {
  static let namespace = "elastic-local"

  let server: SimulatedAPIServer
  private let seen = Seen()

  private final class Seen: Sendable {
    let truth = Mutex(ClaimTruth())
  }

  init(time: any Timekeeper = FastTime()) {
    server = SimulatedAPIServer(time: time)
    server.audit { [seen] change in seen.truth.withLock { $0.see(change) } }
    server.actsAtOnce(.binder)
  }

  /// Reads the true state at one moment. The body must not use the server, which waits for this state while it holds its own lock.
  func look<Value: Sendable>(_ body: (ClaimTruth) throws -> Value) rethrows -> Value {
    try seen.truth.withLock { try body($0) }
  }

  /// The requests of a provisioner. Its Events are not sent.
  func writes(time: any Timekeeper) -> APIWrites {
    let client = APIClient(server, time: time)
    return APIWrites(client: client, events: EventRecorder(client, component: "test"), namespace: Self.namespace)
  }

  // MARK: Users

  func add(_ claim: PersistentVolumeClaim) { server.put(claim) }

  func edit(_ key: ObjectKey, _ body: (inout PersistentVolumeClaim) -> Void) {
    server.edit(PersistentVolumeClaim.self, key, body)
  }

  func removeClaim(_ key: ObjectKey) { server.remove(PersistentVolumeClaim.resource, key) }

  func removeAllClaims(where isMeant: (ObjectKey, PersistentVolumeClaim) -> Bool) {
    for key in look({ $0.claims.filter { isMeant($0.key, $0.value) }.map(\.key) }) { removeClaim(key) }
  }

  /// Adds a scheduled pod.
  func addPod(_ name: String, on node: String, claim: String) {
    put(
      Pod.resource, ["name": .string(name), "namespace": "default"],
      [
        "spec": [
          "nodeName": .string(node),
          "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": .string(claim)]]],
        ]
      ])
  }

  // MARK: Administrators

  func add(_ storageClass: StorageClass) {
    let terms = storageClass.allowedTopologies.map { term in
      let expressions = term.expressions.map { expression -> JSONValue in
        ["key": .string(expression.key), "values": .array(expression.values.map { .string($0) })]
      }
      return JSONValue.object([.init("matchLabelExpressions", .array(expressions))])
    }
    put(
      StorageClass.resource, ["name": .string(storageClass.metadata.name)],
      [
        "provisioner": .string(storageClass.provisioner), "parameters": storageClass.parameters.json ?? [:],
        "volumeBindingMode": .string(storageClass.volumeBindingMode), "allowedTopologies": .array(terms),
        "allowVolumeExpansion": .bool(storageClass.allowVolumeExpansion),
      ])
  }

  func removeClass(_ name: String) { server.remove(StorageClass.resource, ObjectKey(name: name)) }

  func put(_ volume: PersistentVolume) { server.put(volume) }

  func edit(volume name: String, _ body: (inout PersistentVolume) -> Void) {
    server.edit(PersistentVolume.self, ObjectKey(name: name), body)
  }

  /// Begins to delete a PV. It is removed with its last finalizer.
  func delete(volume name: String) { server.remove(PersistentVolume.resource, ObjectKey(name: name)) }

  static let recreatedPrefix = "uid-anew-"

  /// Deletes the PV by force and creates it again with another UID.
  func recreate(volume name: String) {
    guard var volume = look({ $0.volumes[name] }), !volume.metadata.isBeingDeleted else { return }
    volume.metadata.uid = Self.recreatedPrefix + "\(server.version)"
    server.put(volume)
  }

  // MARK: Nodes

  /// - Parameter hostname: nil for a node without that label.
  func addNode(_ name: String, hostname: String?) {
    let labels = hostname.map { StringMap([ClusterNames.hostnameLabel: $0]) }
    put(
      Node.resource, .members(["name": .string(name), "labels": labels?.json]),
      ["status": ["conditions": [["type": "Ready", "status": "True"]]]])
  }

  func removeNode(_ name: String) { server.remove(Node.resource, ObjectKey(name: name)) }

  /// Writes a node's report: its storage and its volumes.
  func say(_ storage: NodeStorage, _ reports: [VolumeReport] = []) {
    var object = NodeStorageObject(node: storage.node, namespace: Self.namespace, owner: nil)
    object.storage = storage
    object.reports = reports
    server.put(object.json(), as: NodeStorageObject.resource)
  }

  /// Sets whether PVs that are being deleted are removed at once, as if all nodes' daemons had removed their volumes.
  func removesAtOnce(_ isAtOnce: Bool = true) { server.actsAtOnce(.finalizers, isAtOnce) }

  // MARK: The network

  /// Sets the fates of the next creations of PVs, in order, and of all later ones.
  func disturbCreations(_ fates: [Faults.Fate], then: Faults.Fate? = nil) {
    server.changeFaults { $0.scripts = [FaultScript("POST", PersistentVolume.resource, fates, then: then)] }
  }

  /// Appends the fates of creations after those.
  func addDisturbedCreations(_ fates: [Faults.Fate]) {
    server.changeFaults { faults in
      if faults.scripts.isEmpty { faults.scripts = [FaultScript("POST", PersistentVolume.resource)] }
      faults.scripts[0].fates += fates
    }
  }

  /// Loses every creation of this PV before it arrives.
  func loseCreations(of volume: String) {
    server.changeFaults {
      $0.scripts = [FaultScript("POST", PersistentVolume.resource, named: volume, then: .lostBefore)]
    }
  }

  /// The number of creations that the present fates have been applied to.
  var disturbedCreations: Int { server.faults.scripts.reduce(0) { $0 + $1.count } }

  /// Sets whether each changing request takes 5 ms.
  func isSlow(_ isSlow: Bool = true) { server.changeFaults { $0.delay = isSlow ? .milliseconds(5) : .zero } }

  private func put(_ resource: APIResource, _ metadata: JSONValue, _ content: JSONValue) {
    let head: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": metadata,
    ]
    server.put(head.merged(with: content), as: resource)
  }
}
