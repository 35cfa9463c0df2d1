import JSON
import KubernetesAPI
import StorageModel

/// Volumes that exist before their claims. Kubernetes binds them without a provisioner.
struct LocalVolumes {
  let client: APIClient

  func make(_ count: Int, _ className: String, _ nodes: [String]) async throws {
    try await client.each(0..<count) { number in
      try await make("\(className)-\(number)", className, nodes[number % nodes.count])
    }
  }

  private func make(_ name: String, _ className: String, _ node: String) async throws {
    let here: JSONValue = [
      "key": .string(ClusterNames.hostnameLabel), "operator": "In", "values": [.string(node)],
    ]
    try await client.create(
      [
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(name)],
        "spec": [
          "capacity": ["storage": "64Mi"], "accessModes": ["ReadWriteOnce"],
          "persistentVolumeReclaimPolicy": "Retain", "storageClassName": .string(className),
          "local": ["path": .string("/mnt/\(name)")],
          "nodeAffinity": ["required": ["nodeSelectorTerms": [["matchExpressions": [here]]]]],
        ],
      ], as: PersistentVolume.resource)
  }
}
