package import JSON
package import StorageModel

/// A PV, the cluster's object for a volume.
package struct PersistentVolume: WritableObject {
  package static let resource = APIResource(
    name: "persistentvolumes", kind: "PersistentVolume", isNamespaced: false)

  package var metadata: ObjectMeta
  /// `spec.capacity.storage`.
  package var capacity: Quantity?
  package var accessModes: [String] = []
  /// `Filesystem` or `Block`; the server's default is the first.
  package var volumeMode = "Filesystem"
  /// The claim that it is bound to or reserved for; nil for none.
  package var claim: ObjectReference?
  /// `Delete`, `Retain` or `Recycle`.
  package var reclaimPolicy = ""
  package var storageClassName = ""
  package var mountOptions: [String] = []
  /// `spec.nodeAffinity.required`.
  package var nodeAffinity: NodeSelector?
  /// Nil for a volume of another kind.
  package var flexVolume: FlexVolumeSource?
  /// `Pending`, `Available`, `Bound`, `Released` or `Failed`.
  package var phase = ""

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension PersistentVolume {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": try readSpec(&json)
      case "status": try readStatus(&json)
      default: break
      }
    }
  }

  private mutating func readSpec(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "capacity": capacity = try json.member("storage") { json throws(JSONSyntaxError) in try json.quantity() }
      case "accessModes": accessModes = try json.strings()
      case "volumeMode": volumeMode = try json.string() ?? volumeMode
      case "claimRef": claim = try ObjectReference(json: &json)
      case "persistentVolumeReclaimPolicy": reclaimPolicy = try json.string() ?? ""
      case "storageClassName": storageClassName = try json.string() ?? ""
      case "mountOptions": mountOptions = try json.strings()
      case "nodeAffinity":
        nodeAffinity = try json.shared { json throws(JSONSyntaxError) in
          try json.member("required") { json throws(JSONSyntaxError) in try NodeSelector(json: &json) }
        }
      case "flexVolume": flexVolume = try FlexVolumeSource(json: &json)
      default: break
      }
    }
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    phase = try json.member("phase") { json throws(JSONSyntaxError) in try json.string() } ?? ""
  }

  package var content: [JSONValue.Member] {
    let spec: JSONValue = .members([
      "capacity": capacity.map { ["storage": .string($0.description)] }, "accessModes": texts(accessModes),
      "volumeMode": text(volumeMode), "claimRef": claim?.json, "persistentVolumeReclaimPolicy": text(reclaimPolicy),
      "storageClassName": text(storageClassName), "mountOptions": texts(mountOptions),
      "nodeAffinity": nodeAffinity.map { ["required": $0.json] }, "flexVolume": flexVolume?.json,
    ])
    return [.init("spec", spec)]
  }
}
