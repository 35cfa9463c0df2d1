import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel

/// Fills a large idle cluster: volumes of ours, bound to claims, on nodes that report their storage. The provisioner,
/// the daemons and Kubernetes' controllers find nothing to do, with one exception: the daemon of node `n0` has not
/// recorded the creation of its volumes.
struct Filling {
  let client: APIClient
  let nodes: Int

  func fill(_ volumes: Int) async throws {
    try await client.each(0..<nodes) { try await makeNode($0) }
    try await client.each(0..<volumes) { try await makeVolume($0) }
  }

  /// Labels and images are those of a node in a cloud. They are not ours, and must not cost us memory.
  private func makeNode(_ number: Int) async throws {
    let name = "n\(number)"
    let zone = "europe-west1-\(["b", "c", "d"][number % 3])"
    let labels: JSONValue = [
      "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
      "kubernetes.io/hostname": .string(name), "kubernetes.io/os": "linux",
      "node.kubernetes.io/instance-type": "n2-standard-16", "topology.kubernetes.io/region": "europe-west1",
      "topology.kubernetes.io/zone": .string(zone),
    ]
    try await client.create(
      ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": labels]], as: Node.resource)
    let images = (0..<25).map { image -> JSONValue in
      let repository = "registry.example.org/team-\(image)/service-\(image)"
      let digest = String(repeating: "\(image % 10)", count: 64)
      return [
        "names": [.string("\(repository)@sha256:\(digest)"), .string("\(repository):1.\(image).0")],
        "sizeBytes": 123_456_789,
      ]
    }
    let ready: JSONValue = ["type": "Ready", "status": "True", "reason": "KubeletReady"]
    _ = try await client.patch(
      Node.self, ObjectKey(name: name),
      .merge(["status": ["images": .array(images), "conditions": [ready]]]), subresource: "status")
    // Space for all volumes, and more.
    let capacity = NodeStorage.ClassCapacity(
      group: ProductNames.defaultVolumeGroup, isThin: false, sizeBytes: 16 << 40, reservedBytes: 0,
      extentBytes: 4 << 20)
    let storage = NodeStorage(
      node: name, defaultGroup: capacity.group, isThinByDefault: false, classes: [capacity])
    var object = NodeStorageObject(node: name, namespace: "elastic-local", owner: nil)
    _ = try await client.create(object)
    object.storage = storage
    _ = try await client.patch(
      NodeStorageObject.self, object.metadata.key, .merge(["status": object.status.json]), subresource: "status")
  }

  private func makeVolume(_ number: Int) async throws {
    let node = "n\(number % nodes)"
    let name = Self.volumeName(number)
    let claim = try await makeClaim(number, volume: name, node: node)
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: name, labels: [ClusterNames.nodeLabel: node],
        annotations: [
          PersistentVolume.provisionedByAnnotation: ClusterNames.provisioner,
          ClusterNames.instanceAnnotation: "\(name.dropFirst(4))-instance",
        ],
        finalizers: [ClusterNames.finalizer, "kubernetes.io/pv-protection"]))
    if node == "n0" { volume.metadata.annotations[ClusterNames.instanceAnnotation] = nil }
    volume.capacity = Quantity(ByteCount.mebibytes(64))
    volume.accessModes = ["ReadWriteOnce"]
    volume.reclaimPolicy = "Delete"
    volume.storageClassName = "elastic-local"
    volume.claim = ObjectReference(
      apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: claim.namespace, name: claim.name, uid: claim.uid,
      resourceVersion: claim.resourceVersion)
    volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: [node])
    volume.flexVolume = FlexVolumeSource(
      driver: ProductNames.driver, fsType: "ext4", options: ["sizeBytes": "67108864", "fsType": "ext4"])
    _ = try await client.create(volume)
    _ = try await client.patch(
      PersistentVolume.self, ObjectKey(name: name), .merge(["status": ["phase": "Bound"]]), subresource: "status")
  }

  static func volumeName(_ number: Int) -> String { "pvc-\(10_000_000 + number)-1234-4234-8234-123456789abc" }

  private func makeClaim(_ number: Int, volume: String, node: String) async throws -> ObjectMeta {
    let key = ObjectKey(namespace: "default", name: "data-elasticsearch-\(number)")
    let claim: JSONValue = [
      "apiVersion": "v1", "kind": "PersistentVolumeClaim",
      "metadata": [
        "name": .string(key.name), "namespace": .string(key.namespace),
        "labels": ["app": "elasticsearch", "app.kubernetes.io/instance": .string("cluster-\(number / 10)")],
        "annotations": [
          "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
          "volume.beta.kubernetes.io/storage-provisioner": .string(ClusterNames.provisioner),
          "volume.kubernetes.io/selected-node": .string(node),
        ],
        "finalizers": ["kubernetes.io/pvc-protection"],
      ],
      "spec": [
        "accessModes": ["ReadWriteOnce"], "storageClassName": "elastic-local", "volumeName": .string(volume),
        "resources": ["requests": ["storage": "64Mi"]],
      ],
    ]
    try await client.create(claim, in: key.namespace, as: PersistentVolumeClaim.resource)
    return try await client.patch(
      PersistentVolumeClaim.self, key,
      .merge(["status": ["phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": ["storage": "64Mi"]]]),
      subresource: "status"
    ).metadata
  }

  /// Changes existing volumes in turn, like another controller that keeps annotations on them.
  func churn(_ changes: Int, _ volumes: Int, step: Int) async throws {
    try await client.each(0..<changes) { change in
      let number = change % (volumes / step) * step
      _ = try await client.patch(
        PersistentVolume.self, ObjectKey(name: Self.volumeName(number)),
        .merge(["metadata": ["annotations": ["example.org/checked": .string("change \(change)")]]]))
    }
  }
}
