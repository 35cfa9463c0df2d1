package import StorageModel

/// Texts by key.
package struct ConfigMap: WritableObject {
  package static let resource = APIResource(name: "configmaps", kind: "ConfigMap", isNamespaced: true)

  package var metadata: ObjectMeta
  package var data = StringMap()

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension ConfigMap {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "data": data = try StringMap(json: &json)
      default: break
      }
    }
  }

  package var content: [JSONValue.Member] { data.json.map { [.init("data", $0)] } ?? [] }
}
