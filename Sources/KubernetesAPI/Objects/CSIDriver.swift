package import JSON

/// Tells the scheduler to use storage capacity objects, even those of a FlexVolume provisioner.
package struct CSIDriver: WritableObject {
  package static let resource = APIResource(
    group: "storage.k8s.io", name: "csidrivers", kind: "CSIDriver", isNamespaced: false)

  package var metadata: ObjectMeta
  package var attachRequired = true
  package var storageCapacity = false
  package var podInfoOnMount = false

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension CSIDriver {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": try readSpec(&json)
      default: break
      }
    }
  }

  private mutating func readSpec(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "attachRequired": attachRequired = try json.bool() ?? true
      case "storageCapacity": storageCapacity = try json.bool() ?? false
      case "podInfoOnMount": podInfoOnMount = try json.bool() ?? false
      default: break
      }
    }
  }

  package var content: [JSONValue.Member] {
    [
      .init(
        "spec",
        [
          "attachRequired": .bool(attachRequired), "storageCapacity": .bool(storageCapacity),
          "podInfoOnMount": .bool(podInfoOnMount),
        ])
    ]
  }
}
