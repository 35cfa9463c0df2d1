import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageModel
import Synchronization
import TestSupport

/// A simulated API server with namespaces, claims and classes, a ``NamespaceVolumeKeeper``, and Kubernetes'
/// controllers.
final class NamespaceWorld: Sendable {
  static let claim = KnownNamespace.Volume.standardClaim

  let server: SimulatedAPIServer
  /// The client of all others: users and Kubernetes.
  private let others: APIClient
  private let client: APIClient
  private let time = FastTime()

  init(faults: Faults = Faults()) async throws {
    server = SimulatedAPIServer(faults: faults, time: time)
    others = APIClient(server.undisturbed)
    client = APIClient(server, time: time)
    try await addClass(KnownNamespace.Volume.standardClass)
  }

  /// Runs a new keeper without memory until the task is cancelled.
  func begin() -> Task<Void, Never> {
    let events = EventRecorder(client, component: "test")
    let term = Term(Caches(client) { _, _, _ in })
    let cluster = ClusterCaches(term.caches, namespace: "elastic-local")
    let writes = APINamespaceVolumeWrites(client: client, events: events)
    let keeper = NamespaceVolumeKeeper(view: cluster, writes: writes, time: time) { _ in }
    cluster.feed(keeper)
    term.add(keeper, reading: cluster.all)
    return Task {
      await withDiscardingTaskGroup { group in
        group.addTask { await events.run() }
        group.addTask { await term.run() }
      }
    }
  }

  // MARK: what users do

  private func create(
    _ resource: APIResource, _ key: ObjectKey, _ content: JSONValue, labels: [String: String] = [:],
    annotations: [String: String] = [:]
  ) async throws {
    let head: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
      "metadata": [
        "name": .string(key.name), "labels": StringMap(labels).json ?? [:],
        "annotations": StringMap(annotations).json ?? [:],
      ],
    ]
    try await others.create(head.merged(with: content), in: key.namespace, as: resource)
  }

  func addClass(_ name: String, provisioner: String = ClusterNames.provisioner, grows: Bool = true) async throws {
    try await create(
      StorageClass.resource, ObjectKey(name: name),
      ["provisioner": .string(provisioner), "volumeBindingMode": "Immediate", "allowVolumeExpansion": .bool(grows)])
  }

  func addNamespace(_ name: String, size: String?, annotations: [String: String] = [:]) async throws {
    let labels = size.map { [ClusterNames.namespaceVolumeLabel: $0] } ?? [:]
    try await create(Namespace.resource, ObjectKey(name: name), [:], labels: labels, annotations: annotations)
    server.edit(Namespace.resource, ObjectKey(name: name)) { $0[["status", "phase"]] = "Active" }
  }

  func setLabel(of namespace: String, to size: String?) {
    server.edit(Namespace.resource, ObjectKey(name: namespace)) {
      $0[["metadata", "labels", ClusterNames.namespaceVolumeLabel]] = size.map { .string($0) }
    }
  }

  /// A claim that a user creates.
  func addClaim(_ key: ObjectKey, storageClass: String = KnownNamespace.Volume.standardClass) async throws {
    try await create(
      PersistentVolumeClaim.resource, key,
      [
        "spec": [
          "storageClassName": .string(storageClass), "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
          "resources": ["requests": ["storage": "1Gi"]],
        ]
      ])
  }

  func deleteClaim(_ key: ObjectKey) async throws {
    guard let claim = claim(key) else { return }
    try await others.delete(PersistentVolumeClaim.resource, key, uid: claim.metadata.uid)
  }

  func deleteClass(_ name: String) async throws {
    guard let found = server.objects(StorageClass.self).first(where: { $0.metadata.name == name }) else { return }
    try await others.delete(StorageClass.resource, found.metadata.key, uid: found.metadata.uid)
  }

  func terminate(_ namespace: String) {
    server.edit(Namespace.resource, ObjectKey(name: namespace)) { $0[["status", "phase"]] = "Terminating" }
  }

  /// Deletes a namespace like the namespace controller: its objects first.
  func deleteNamespace(_ name: String) async throws {
    terminate(name)
    for claim in server.objects(PersistentVolumeClaim.self) where claim.metadata.namespace == name {
      try await others.delete(PersistentVolumeClaim.resource, claim.metadata.key, uid: claim.metadata.uid)
    }
    guard let namespace = namespace(name) else { return }
    try await others.delete(Namespace.resource, ObjectKey(name: name), uid: namespace.metadata.uid)
  }

  // MARK: what Kubernetes does

  /// Binds claims, with more than one write, and grows them.
  func actAsKubernetes() {
    for claim in server.objects(PersistentVolumeClaim.self) {
      let key = claim.metadata.key
      let isNew = claim.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[0]] == nil
      server.edit(PersistentVolumeClaim.resource, key) { object in
        if isNew {
          object[["metadata", "annotations", PersistentVolumeClaim.provisionerAnnotations[0]]] =
            .string(ClusterNames.provisioner)
          object[["status", "phase"]] = "Pending"
        } else {
          object[["spec", "volumeName"]] = .string(claim.volumeToMake)
          let size = claim.request.map { JSONValue.string($0.description) } ?? "0"
          object[["status"]] = ["phase": "Bound", "capacity": ["storage": size]]
        }
      }
    }
  }

  // MARK: what there is

  func claim(_ key: ObjectKey) -> PersistentVolumeClaim? {
    server.objects(PersistentVolumeClaim.self).first { $0.metadata.key == key }
  }

  /// The claim with the default name.
  func claim(in namespace: String) -> PersistentVolumeClaim? {
    claim(ObjectKey(namespace: namespace, name: Self.claim))
  }

  func namespace(_ name: String) -> Namespace? {
    server.objects(Namespace.self).first { $0.metadata.name == name }
  }

  func events(on namespace: String) -> [Event] {
    server.objects(Event.self).filter {
      $0.involvedObject.kind == "Namespace" && $0.involvedObject.name == namespace
    }
  }
}
