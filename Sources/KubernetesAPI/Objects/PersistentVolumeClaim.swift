package import JSON
package import StorageModel

/// A user's request for a volume.
package struct PersistentVolumeClaim: WritableObject {
  package static let resource = APIResource(
    name: "persistentvolumeclaims", kind: "PersistentVolumeClaim", isNamespaced: true)

  package var metadata: ObjectMeta
  /// Nil when not set; only then the default class counts. An empty text asks for no class.
  package var storageClassName: String?
  package var accessModes: [String] = []
  package var volumeMode = "Filesystem"
  /// `spec.resources.requests.storage`.
  package var request: Quantity?
  /// Whether a selector of PVs is set.
  package var hasSelector = false
  /// `kind/name` of the data source (`dataSource` or `dataSourceRef`), nil when there is none.
  package var dataSource: String?
  /// The class of the volume's attributes that can be changed, since 1.29; empty for none.
  package var volumeAttributesClassName = ""
  /// The PV that it is bound to; empty before.
  package var volumeName = ""
  /// `Pending`, `Bound` or `Lost`.
  package var phase = ""
  /// `status.capacity.storage`.
  package var capacity: Quantity?

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension PersistentVolumeClaim {
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
      case "storageClassName": storageClassName = try json.string()
      case "accessModes": accessModes = try json.strings()
      case "volumeMode": volumeMode = try json.string() ?? volumeMode
      case "resources":
        request = try json.member("requests") { json throws(JSONSyntaxError) in
          try json.member("storage") { json throws(JSONSyntaxError) in try json.quantity() }
        }
      case "selector": hasSelector = try !json.null()
      case "dataSource", "dataSourceRef": dataSource = try readSource(&json) ?? dataSource
      case "volumeAttributesClassName": volumeAttributesClassName = try json.string() ?? ""
      case "volumeName": volumeName = try json.string() ?? ""
      default: break
      }
    }
  }

  private func readSource(_ json: inout JSONReader) throws(JSONSyntaxError) -> String? {
    let source = try ObjectReference(json: &json)
    return source.kind.isEmpty && source.name.isEmpty ? nil : "\(source.kind)/\(source.name)"
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "phase": phase = try json.string() ?? ""
      case "capacity": capacity = try json.member("storage") { json throws(JSONSyntaxError) in try json.quantity() }
      default: break
      }
    }
  }

  /// What a claim is created with. A selector and a data source are not among it: we create none that has them.
  package var content: [JSONValue.Member] {
    let spec: JSONValue = .members([
      "storageClassName": storageClassName.map { .string($0) }, "accessModes": texts(accessModes),
      "volumeMode": text(volumeMode), "volumeName": text(volumeName),
      "resources": request.map { ["requests": ["storage": .string($0.description)]] },
    ])
    return [.init("spec", spec)]
  }
}
