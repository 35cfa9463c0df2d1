import JSON
import StorageModel

/// A PV as the stand-in for the API server shows it.
struct ShownVolume: Sendable {
  let new: Operation.NewVolume
  var uid: String
  /// The instance that the PV records.
  var instance: String?
  /// The node of its label, and the hostname of its affinity.
  var node = NodeUnderTest.name
  var hostname = NodeUnderTest.name
  /// The PV is being deleted, and the provisioner has agreed to the removal of this instance.
  var removable: String?
  /// Whether the provisioner has created the PV. The daemon creates the volume of such a PV before a pod asks for it,
  /// as long as the PV records none. For other PVs the first mount creates the volume, which is what the rounds strike.
  var isProvisioned: Bool
  var driver = ProductNames.driver
  /// The size of an unused annotation in bytes.
  var ballast = 0

  var name: String { new.name }

  init(_ claim: Model.Claim) {
    new = claim.new
    uid = claim.uid
    instance = claim.instance
    isProvisioned = claim.instance != nil
  }

  private var isBeingDeleted: Bool { removable != nil }

  func json(version: Int) -> JSONValue {
    .members([
      "apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata(version), "spec": spec,
      "status": ["phase": isBeingDeleted ? "Released" : "Bound"],
    ])
  }

  private func metadata(_ version: Int) -> JSONValue {
    .members([
      "name": .string(name), "uid": .string(uid), "resourceVersion": .string("\(version)"),
      "labels": .object([.init(ClusterNames.nodeLabel, .string(node))]),
      "annotations": .object(annotations.map { .init($0.key, .string($0.value)) }),
      "finalizers": isProvisioned ? [.string(ClusterNames.finalizer)] : nil,
      "creationTimestamp": "2026-01-01T00:00:00Z",
      "deletionTimestamp": isBeingDeleted ? "2026-01-02T00:00:00Z" : nil,
    ])
  }

  private var annotations: [(key: String, value: String)] {
    var result: [(key: String, value: String)] = []
    if isProvisioned { result.append(("pv.kubernetes.io/provisioned-by", ClusterNames.provisioner)) }
    if let instance { result.append((ClusterNames.instanceAnnotation, instance)) }
    if let removable { result.append((ClusterNames.removalAnnotation, removable)) }
    if ballast > 0 { result.append(("example.com/ballast", String(repeating: "x", count: ballast))) }
    return result
  }

  private var spec: JSONValue {
    [
      "capacity": ["storage": .string("\(new.mebibytes)Mi")], "accessModes": ["ReadWriteOnce"],
      "volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Delete",
      "claimRef": ["kind": "PersistentVolumeClaim", "namespace": "default", "name": .string("claim-of-\(name)")],
      "nodeAffinity": ["required": ["nodeSelectorTerms": [["matchExpressions": [affinity]]]]],
      "flexVolume": [
        "driver": .string(driver), "fsType": .string(new.fileSystem),
        "options": ["sizeBytes": .string("\(new.mebibytes << 20)"), "thin": .string("\(new.isThin)")],
      ],
    ]
  }

  private var affinity: JSONValue {
    ["key": .string(ClusterNames.hostnameLabel), "operator": "In", "values": [.string(hostname)]]
  }
}
