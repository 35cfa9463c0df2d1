package import JSON

/// A namespace of the cluster.
package struct Namespace: APIObject {
  package static let resource = APIResource(name: "namespaces", kind: "Namespace", isNamespaced: false)

  package var metadata: ObjectMeta
  /// `Active` or `Terminating`.
  package var phase = ""

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension Namespace {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "status":
        phase = try json.member("phase") { json throws(JSONSyntaxError) in try json.string() } ?? ""
      default: break
      }
    }
  }
}
