package import JSON
package import LinuxSystem

/// What every object has. Dropped: managed fields, and the copy of itself that kubectl keeps in an annotation.
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
  /// When deletion was asked for (plus the grace period): the object goes once its finalizers are gone.
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

  /// Deletion has been asked for.
  package var isBeingDeleted: Bool { deletionTimestamp != nil }

  /// Which object it is: `namespace/name`, or the name alone.
  package var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
}

/// An object's place: its namespace (empty when it has none) and name.
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

  /// What a client may set. `uid` and `resourceVersion` are preconditions when an object is replaced.
  var json: JSONValue {
    .members([
      "name": text(name), "namespace": text(namespace), "uid": text(uid), "resourceVersion": text(resourceVersion),
      "labels": labels.json, "annotations": annotations.json, "finalizers": texts(finalizers),
      "ownerReferences": ownerReferences.isEmpty ? nil : .array(ownerReferences.map(\.json)),
    ])
  }
}

/// Whose object this is: it goes when its owner does.
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
