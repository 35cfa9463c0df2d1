package import JSON

/// A storage class: how volumes are created.
package struct StorageClass: APIObject {
  package static let resource = APIResource(
    group: "storage.k8s.io", name: "storageclasses", kind: "StorageClass", isNamespaced: false)

  package var metadata: ObjectMeta
  package var provisioner = ""
  package var parameters = StringMap()
  /// `Delete` unless set.
  package var reclaimPolicy = "Delete"
  /// `Immediate` unless set, or `WaitForFirstConsumer`.
  package var volumeBindingMode = "Immediate"
  /// One of the terms must match; no terms mean any node.
  package var allowedTopologies: [TopologyTerm] = []
  package var mountOptions: [String] = []
  package var allowVolumeExpansion = false

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }

  /// All expressions must hold (`TopologySelectorTerm`).
  package struct TopologyTerm: Hashable, Sendable {
    package var expressions: [Expression] = []

    package init(expressions: [Expression]) { self.expressions = expressions }
  }

  /// The node's label has one of these values.
  package struct Expression: Hashable, Sendable {
    package var key = ""
    package var values: [String] = []

    package init(key: String, values: [String]) {
      self.key = key
      self.values = values
    }
  }
}

extension StorageClass {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "provisioner": provisioner = try json.string() ?? ""
      case "parameters": parameters = try StringMap(json: &json)
      case "reclaimPolicy": reclaimPolicy = try json.string() ?? reclaimPolicy
      case "volumeBindingMode": volumeBindingMode = try json.string() ?? volumeBindingMode
      case "allowedTopologies": allowedTopologies = try json.array(TopologyTerm.init)
      case "mountOptions": mountOptions = try json.strings()
      case "allowVolumeExpansion": allowVolumeExpansion = try json.bool() ?? false
      default: break
      }
    }
  }
}

extension StorageClass {
  private static let defaultAnnotations = [
    "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
  ]

  /// Whether claims that name no class get this one. Of several, the newest counts (admission plugin DefaultStorageClass).
  package var isDefault: Bool { Self.defaultAnnotations.contains { metadata.annotations[$0] == "true" } }

  /// Whether claims are bound before a pod uses them.
  package var isImmediate: Bool { volumeBindingMode != "WaitForFirstConsumer" }
}

extension StorageClass.TopologyTerm {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      if key == "matchLabelExpressions" { expressions = try json.array(StorageClass.Expression.init) }
    }
  }
}

extension StorageClass.Expression {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "key": self.key = try json.string() ?? ""
      case "values": values = try json.strings()
      default: break
      }
    }
  }
}
