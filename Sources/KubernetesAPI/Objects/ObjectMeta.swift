package import JSON
package import LinuxSystem

/// The metadata of an object, without managed fields and without kubectl's annotation that copies the object.
package struct ObjectMeta: Hashable, Sendable {
  package var name = ""
  package var namespace = ""
  package var uid = ""
  package var resourceVersion = ""
  package var generation: Int64 = 0
  package var labels = StringMap()
  package var annotations = StringMap()
  package var finalizers: [String] = []
  package var ownerReferences: [OwnerReference] = []
  package var creationTimestamp: Timestamp?
  /// When deletion was requested, plus the grace period. The object is deleted once its finalizers are removed.
  package var deletionTimestamp: Timestamp?

  package init(
    name: String = "", namespace: String = "", uid: String = "", resourceVersion: String = "",
    labels: StringMap = [:], annotations: StringMap = [:], finalizers: [String] = [],
    ownerReferences: [OwnerReference] = []
  ) {
    self.name = name
    self.namespace = namespace
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.labels = labels
    self.annotations = annotations
    self.finalizers = finalizers
    self.ownerReferences = ownerReferences
  }

  /// Whether deletion was requested.
  package var isBeingDeleted: Bool { deletionTimestamp != nil }

  /// The object's key: `namespace/name`, or only the name.
  package var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
}

/// The namespace (empty when there is none) and name of an object.
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
  package let namespace: String
  package let name: String

  package init(namespace: String = "", name: String) {
    self.namespace = namespace
    self.name = name
  }

  package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

extension ObjectMeta {
  private static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "name": name = try json.string() ?? ""
      case "namespace": namespace = try json.string() ?? ""
      case "uid": uid = try json.string() ?? ""
      case "resourceVersion": resourceVersion = try json.string() ?? ""
      case "generation": generation = try json.integer() ?? 0
      case "labels": labels = try json.shared(StringMap.init)
      case "annotations":
        annotations = try json.shared { json throws(JSONSyntaxError) in
          try StringMap(json: &json) { $0 != Self.lastApplied }
        }
      case "finalizers": finalizers = try json.strings()
      case "ownerReferences": ownerReferences = try json.array(OwnerReference.init)
      case "creationTimestamp": creationTimestamp = try json.string().flatMap { Timestamp(rfc3339: $0) }
      case "deletionTimestamp": deletionTimestamp = try json.string().flatMap { Timestamp(rfc3339: $0) }
      default: break
      }
    }
  }

  /// The members that a client may set. `uid` and `resourceVersion` are preconditions when an object is replaced.
  var json: JSONValue {
    .members([
      "name": text(name), "namespace": text(namespace), "uid": text(uid), "resourceVersion": text(resourceVersion),
      "labels": labels.json, "annotations": annotations.json, "finalizers": texts(finalizers),
      "ownerReferences": ownerReferences.isEmpty ? nil : .array(ownerReferences.map(\.json)),
    ])
  }
}

/// The owner of an object. The object is deleted with its owner.
package struct OwnerReference: Hashable, Sendable {
  package var apiVersion = ""
  package var kind = ""
  package var name = ""
  package var uid = ""
  package var isController = false

  package init(apiVersion: String, kind: String, name: String, uid: String, isController: Bool = false) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.name = name
    self.uid = uid
    self.isController = isController
  }

  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "apiVersion": apiVersion = try json.string() ?? ""
      case "kind": kind = try json.string() ?? ""
      case "name": name = try json.string() ?? ""
      case "uid": uid = try json.string() ?? ""
      case "controller": isController = try json.bool() ?? false
      default: break
      }
    }
  }

  package var json: JSONValue {
    .members([
      "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
      "controller": isController ? true : nil,
    ])
  }
}
