package import JSON
package import StorageModel

/// The custom resource `NodeStorage`: what one node's daemon says, in one object of the node's name.
///
/// Everything that it says is in the status, which the daemon alone writes. The provisioner reads it and checks it
/// before it acts on it.
package struct NodeStorageObject: WritableObject {
  package static let resource = APIResource(
    group: "volumes.k8s.elastic.co", version: "v1alpha1", name: "nodestorages", kind: "NodeStorage", isNamespaced: true)

  package var metadata: ObjectMeta
  /// What the node's storage can hold; nil before that was said, and when it cannot be understood.
  package var storage: NodeStorage?
  /// About volumes whose PVs do not say it yet.
  package var reports: [VolumeReport] = []

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }

  /// The object for a node, with nothing said yet.
  package init(node: String, namespace: String, owner: OwnerReference?) {
    self.init(
      metadata: ObjectMeta(name: node, namespace: namespace, ownerReferences: owner.map { [$0] } ?? []))
  }
}

extension NodeStorageObject {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "status": try readStatus(&json)
      default: break
      }
    }
    storage?.node = metadata.name
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "storage": storage = try NodeStorage(json: &json)
      // Of a state that a later release has invented nothing is known.
      case "reports": reports = try json.array(VolumeReport.init).compactMap { $0 }
      default: break
      }
    }
  }

  /// The status as the server keeps it. A server ignores it when the object is created; it is written by a patch of
  /// the subresource `status`.
  package var status: JSONValue {
    .members(["storage": storage?.json, "reports": .array(reports.map(\.json))])
  }

  package var content: [JSONValue.Member] {
    storage == nil && reports.isEmpty ? [] : [.init("status", status)]
  }
}

extension NodeStorage {
  /// Nil for what is no object.
  init?(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return nil }
    self.init(node: "", defaultGroup: "", isThinByDefault: false, pools: [])
    version = 0
    while let key = try json.nextKey() {
      switch key {
      case "version": version = Int(try json.integer() ?? 0)
      case "defaultGroup": defaultGroup = try json.string() ?? ""
      case "thinByDefault": isThinByDefault = try json.bool() ?? false
      case "pools": pools = try json.array(Pool.init)
      case "volumes": volumes = try Self.volumes(&json)
      default: break
      }
    }
  }

  var json: JSONValue {
    .members([
      "version": .number(Int64(version)), "defaultGroup": .string(defaultGroup),
      "thinByDefault": .bool(isThinByDefault),
      "pools": .array(pools.map(\.json)),
      // An array: a merge patch replaces it whole, where members of an object would stay.
      "volumes": volumes.map { volumes in
        .array(volumes.sorted { $0.key < $1.key }.map { name, volume in volume.json(name) })
      },
    ])
  }

  private static func volumes(_ json: inout JSONReader) throws(JSONSyntaxError) -> [String: Volume] {
    var result: [String: Volume] = [:]
    guard try json.beginArray() else { return result }
    while try json.nextElement() {
      let (name, volume) = try Volume.read(&json)
      if !name.isEmpty { result[name] = volume }
    }
    return result
  }
}

extension NodeStorage.Volume {
  fileprivate static func read(
    _ json: inout JSONReader
  ) throws(JSONSyntaxError) -> (name: String, volume: NodeStorage.Volume) {
    var name = ""
    var volume = NodeStorage.Volume(sizeBytes: 0, wantedBytes: 0)
    guard try json.beginObject() else { return (name, volume) }
    while let key = try json.nextKey() {
      switch key {
      case "name": name = try json.string() ?? ""
      case "sizeBytes": volume.sizeBytes = UInt64(clamping: try json.integer() ?? 0)
      case "wantedBytes": volume.wantedBytes = UInt64(clamping: try json.integer() ?? 0)
      default: break
      }
    }
    return (name, volume)
  }

  fileprivate func json(_ name: String) -> JSONValue {
    .members([
      "name": .string(name), "sizeBytes": .number(Int64(clamping: sizeBytes)),
      "wantedBytes": .number(Int64(clamping: wantedBytes)),
    ])
  }
}

extension NodeStorage.Pool {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init(group: "", isThin: false, sizeBytes: 0, reservedBytes: 0, extentBytes: 0)
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "group": group = try json.string() ?? ""
      case "thin": isThin = try json.bool() ?? false
      case "sizeBytes": sizeBytes = UInt64(clamping: try json.integer() ?? 0)
      case "reservedBytes": reservedBytes = UInt64(clamping: try json.integer() ?? 0)
      case "extentBytes": extentBytes = UInt64(clamping: try json.integer() ?? 0)
      default: break
      }
    }
  }

  var json: JSONValue {
    .members([
      "group": .string(group), "thin": .bool(isThin), "sizeBytes": .number(Int64(clamping: sizeBytes)),
      "reservedBytes": .number(Int64(clamping: reservedBytes)), "extentBytes": .number(Int64(clamping: extentBytes)),
    ])
  }
}

extension VolumeReport {
  /// Nil for one that names no PV object, or is in no known state.
  init?(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init(volume: "", uid: "", state: .created)
    var known: State?
    guard try json.beginObject() else { return nil }
    while let key = try json.nextKey() {
      switch key {
      case "name": volume = try json.string() ?? ""
      case "uid": uid = try json.string() ?? ""
      case "state": known = try json.string().flatMap(State.init)
      case "instance": instance = try json.string()
      case "pod": pod = try json.string()
      default: break
      }
    }
    guard let known, !volume.isEmpty, !uid.isEmpty else { return nil }
    state = known
  }

  var json: JSONValue {
    .members([
      "name": .string(volume), "uid": .string(uid), "state": .string(state.rawValue),
      "instance": instance.map { .string($0) }, "pod": pod.map { .string($0) },
    ])
  }
}
