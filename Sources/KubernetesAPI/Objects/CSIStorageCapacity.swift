package import JSON
package import StorageModel

/// The free space for a storage class in a part of the cluster. Alpha in 1.19, `v1beta1` in 1.21, `v1` since 1.24.
package struct CSIStorageCapacity: WritableObject {
  package static let resource = APIResource(
    group: "storage.k8s.io", name: "csistoragecapacities", kind: "CSIStorageCapacity", isNamespaced: true)

  package var metadata: ObjectMeta
  package var storageClassName = ""
  /// The labels of the selected nodes (`nodeTopology.matchLabels`).
  package var nodeLabels = StringMap()
  package var capacity: Quantity?
  /// The size of the largest single volume; nil when not set.
  package var maximumVolumeSize: Quantity?

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension CSIStorageCapacity {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "storageClassName": storageClassName = try json.string() ?? ""
      case "nodeTopology":
        nodeLabels =
          try json.member("matchLabels") { json throws(JSONSyntaxError) in try StringMap(json: &json) } ?? [:]
      case "capacity": capacity = try json.quantity()
      case "maximumVolumeSize": maximumVolumeSize = try json.quantity()
      default: break
      }
    }
  }

  package var content: [JSONValue.Member] {
    let members: [JSONValue.Member?] = [
      .init("storageClassName", .string(storageClassName)),
      .init("nodeTopology", .members(["matchLabels": nodeLabels.json])),
      capacity.map { .init("capacity", .string($0.description)) },
      maximumVolumeSize.map { .init("maximumVolumeSize", .string($0.description)) },
    ]
    return members.compactMap { $0 }
  }
}
