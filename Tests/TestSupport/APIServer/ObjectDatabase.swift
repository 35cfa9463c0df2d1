import JSON
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageModel

/// The objects of an API server and their history: resource versions, preconditions, finalizers, status, garbage collection.
/// A value without I/O and clock.
struct ObjectDatabase: Sendable {
  struct Key: Hashable, Comparable, Sendable {
    /// `group/plural`.
    var resource: String
    var namespace: String
    var name: String

    static func < (left: Key, right: Key) -> Bool {
      (left.resource, left.namespace, left.name) < (right.resource, right.namespace, right.name)
    }
  }

  /// What a watch may have to tell.
  struct Change: Sendable {
    var version: Int
    var key: Key
    /// Before; nil for an object that is new.
    var old: JSONValue?
    /// After; for one that is gone its last state, at the version of its end.
    var new: JSONValue
    var isGone = false
  }

  private(set) var objects: [Key: JSONValue] = [:]
  private(set) var version = 1
  private(set) var changes: [Change] = []
  /// Watches from versions before this one have expired. The changes have the versions behind it, one each.
  private(set) var compacted = 1
  /// The objects that have owners.
  private var owned: Set<Key> = []

  /// What a write is about.
  struct Target: Sendable {
    var served: ServedResource
    var key: Key
    var isStatus = false
  }

  // MARK: Reading

  func object(_ key: Key) throws(StatusError) -> JSONValue {
    guard let object = objects[key] else { throw Self.notFound(key) }
    return object
  }

  /// The objects of a resource in the order of a list; of all namespaces where none is given.
  func objects(of resource: String, in namespace: String, _ selector: Selector) -> [JSONValue] {
    objects.filter { key, object in
      key.resource == resource && (namespace.isEmpty || key.namespace == namespace) && selector.matches(object)
    }
    .sorted { $0.key < $1.key }.map(\.value)
  }

  /// The changes behind a version, as far as the history goes back.
  func changes(after version: Int) -> ArraySlice<Change> { changes[max(version - compacted, 0)...] }

  /// Forgets the history, as the server does after some minutes.
  mutating func compact() {
    compacted = version
    changes = []
  }

  // MARK: Writing

  mutating func create(_ body: JSONValue, _ target: Target, at time: Timestamp) throws(StatusError) -> JSONValue {
    var (object, key) = (body, target.key)
    try check(object, target)
    guard object["metadata", "resourceVersion"]?.string ?? "" == "" else {
      // As Kubernetes 1.20 says it.
      throw StatusError(500, "InternalError", "resourceVersion should not be set on objects to be created")
    }
    if key.name.isEmpty { key.name = object["metadata", "name"]?.string ?? "" }
    if let prefix = object["metadata", "generateName"]?.string, key.name.isEmpty {
      key.name = "\(prefix)\(Self.suffix(version))"
    }
    guard !key.name.isEmpty else {
      throw StatusError(422, "Invalid", "metadata.name: name or generateName is required", field: "metadata.name")
    }
    guard objects[key] == nil else {
      throw StatusError(409, "AlreadyExists", "\(key.resource) \"\(key.name)\" already exists")
    }
    if target.served.hasStatus { object[["status"]] = nil }
    object[["metadata", "name"]] = .string(key.name)
    object[["metadata", "namespace"]] = key.namespace.isEmpty ? nil : .string(key.namespace)
    object[["metadata", "uid"]] = .string("uid-\(version + 1)")
    object[["metadata", "creationTimestamp"]] = .string(time.rfc3339)
    object[["metadata", "deletionTimestamp"]] = nil
    if target.served.isCustom { object[["metadata", "generation"]] = 1 }
    return store(object, key)
  }

  /// Replaces all of an object, or all of its status.
  mutating func replace(_ body: JSONValue, _ target: Target) throws(StatusError) -> JSONValue {
    let current = try object(target.key)
    try check(body, target)
    if target.served.isCustom, body["metadata", "resourceVersion"]?.string ?? "" == "" {
      throw StatusError(
        422, "Invalid", "metadata.resourceVersion: must be specified for an update", field: "metadata.resourceVersion")
    }
    let uid = body["metadata", "uid"]?.string ?? ""
    guard uid.isEmpty || uid == current["metadata", "uid"]?.string else {
      throw Self.conflict(target.key, "Precondition failed: UID in precondition: \(uid)")
    }
    return try update(current, to: body, target)
  }

  mutating func merge(_ patch: JSONValue, _ target: Target) throws(StatusError) -> JSONValue {
    let current = try object(target.key)
    return try update(current, to: current.mergePatched(patch), target)
  }

  mutating func apply(_ operations: JSONValue, _ target: Target) throws(StatusError) -> JSONValue {
    let current = try object(target.key)
    let wanted: JSONValue
    do throws(PatchFailure) {
      wanted = try current.patched(operations)
    } catch {
      throw StatusError(
        422, "Invalid", "the server rejected our request due to an error in our request: \(error.message)")
    }
    return try update(current, to: wanted, target)
  }

  /// Deletes an object, or begins to where it has finalizers. Returns it where it stays.
  mutating func delete(
    _ key: Key, uid: String?, resourceVersion: String?, at time: Timestamp
  ) throws(StatusError) -> JSONValue? {
    var object = try object(key)
    for (name, wanted) in [("uid", uid), ("resourceVersion", resourceVersion)] {
      guard let wanted, !wanted.isEmpty, wanted != object["metadata", name]?.string else { continue }
      throw Self.conflict(key, "Precondition failed: \(name) in precondition: \(wanted)")
    }
    guard object["metadata", "finalizers"]?.elements?.isEmpty == false else {
      remove(key)
      return nil
    }
    if object["metadata", "deletionTimestamp"] == nil {
      object[["metadata", "deletionTimestamp"]] = .string(time.rfc3339)
      object[["metadata", "deletionGracePeriodSeconds"]] = 0
      object = store(object, key)
    }
    return object
  }

  /// Puts an object there as it is, in place of the one of its name.
  mutating func restore(_ object: JSONValue, _ key: Key, at time: Timestamp) {
    var object = object
    let former = objects[key]?["metadata", "uid"]?.string
    if object["metadata", "uid"]?.string ?? "" == "" {
      object[["metadata", "uid"]] = .string(former ?? "uid-\(version + 1)")
    }
    if object["metadata", "creationTimestamp"] == nil {
      object[["metadata", "creationTimestamp"]] =
        objects[key]?["metadata", "creationTimestamp"] ?? .string(time.rfc3339)
    }
    if former != object["metadata", "uid"]?.string { remove(key) }
    object[["metadata", "resourceVersion"]] = objects[key]?["metadata", "resourceVersion"]
    _ = store(object, key)
  }

  /// Deletes what has owners of which none is there any more, as the garbage collector does after a while.
  mutating func collectGarbage(at time: Timestamp) {
    while !owned.isEmpty {
      let uids = Set(objects.values.compactMap { $0["metadata", "uid"]?.string })
      let orphans = owned.filter { key in
        guard let object = objects[key], object["metadata", "deletionTimestamp"] == nil else { return false }
        let owners = object["metadata", "ownerReferences"]?.elements ?? []
        return owners.allSatisfy { owner in owner["uid"]?.string.map { !uids.contains($0) } ?? true }
      }
      guard !orphans.isEmpty else { return }
      // What is there is deleted.
      for key in orphans.sorted() { _ = try? delete(key, uid: nil, resourceVersion: nil, at: time) }
    }
  }

  // MARK: Rules

  private func check(_ body: JSONValue, _ target: Target) throws(StatusError) {
    let resource = target.served.resource
    guard body["kind"]?.string == resource.kind, body["apiVersion"]?.string == resource.apiVersion else {
      throw StatusError(400, "BadRequest", "the object provided is unrecognized: it is no \(resource.kind)")
    }
    let name = body["metadata", "name"]?.string ?? ""
    guard name == target.key.name || target.key.name.isEmpty else {
      throw StatusError(
        400, "BadRequest", "the name of the object (\(name)) does not match the name on the URL (\(target.key.name))")
    }
    let namespace = body["metadata", "namespace"]?.string ?? ""
    guard namespace.isEmpty || namespace == target.key.namespace else {
      throw StatusError(
        400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request")
    }
  }

  private mutating func update(
    _ current: JSONValue, to wanted: JSONValue, _ target: Target
  ) throws(StatusError) -> JSONValue {
    let key = target.key
    if let version = wanted["metadata", "resourceVersion"]?.string, !version.isEmpty,
      version != current["metadata", "resourceVersion"]?.string
    {
      throw Self.conflict(
        key, "the object has been modified; please apply your changes to the latest version and try again")
    }
    if let uid = wanted["metadata", "uid"]?.string, !uid.isEmpty, uid != current["metadata", "uid"]?.string {
      throw StatusError(422, "Invalid", "metadata.uid: Invalid value: field is immutable", field: "metadata.uid")
    }
    var object = target.isStatus ? current : wanted
    if target.isStatus { object[["status"]] = wanted["status"] }
    if target.served.hasStatus, !target.isStatus { object[["status"]] = current["status"] }
    for name in Self.fixed { object[["metadata", name]] = current["metadata", name] }
    if target.served.isCustom, !(object["spec"] ?? .null).isSame(as: current["spec"] ?? .null) {
      object[["metadata", "generation"]] = .number((current["metadata", "generation"]?.number ?? 0) + 1)
    }
    let isBeingDeleted = current["metadata", "deletionTimestamp"] != nil
    let finalizers = object["metadata", "finalizers"]?.elements ?? []
    let former = current["metadata", "finalizers"]?.elements ?? []
    guard !isBeingDeleted || finalizers.allSatisfy(former.contains) else {
      throw StatusError(
        422, "Invalid",
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
        field: "metadata.finalizers")
    }
    if isBeingDeleted, finalizers.isEmpty {
      objects[key] = object
      return remove(key) ?? object
    }
    return store(object, key)
  }

  /// What nobody can change.
  private static let fixed = [
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ]

  /// An update that changes nothing has no version of its own, and no watch tells of it.
  private mutating func store(_ object: JSONValue, _ key: Key) -> JSONValue {
    let old = objects[key]
    if let old, old.isSame(as: object) { return old }
    version += 1
    var new = object
    new[["metadata", "resourceVersion"]] = .string("\(version)")
    objects[key] = new
    if new["metadata", "ownerReferences"]?.elements?.isEmpty == false { owned.insert(key) } else { owned.remove(key) }
    changes.append(Change(version: version, key: key, old: old, new: new))
    return new
  }

  @discardableResult
  private mutating func remove(_ key: Key) -> JSONValue? {
    guard var last = objects.removeValue(forKey: key) else { return nil }
    owned.remove(key)
    version += 1
    let old = last
    last[["metadata", "resourceVersion"]] = .string("\(version)")
    changes.append(Change(version: version, key: key, old: old, new: last, isGone: true))
    return last
  }

  private static func notFound(_ key: Key) -> StatusError {
    StatusError(404, "NotFound", "\(key.resource) \"\(key.name)\" not found")
  }

  private static func conflict(_ key: Key, _ reason: String) -> StatusError {
    StatusError(409, "Conflict", "Operation cannot be fulfilled on \(key.resource) \"\(key.name)\": \(reason)")
  }

  /// Five characters, as the server makes them for `generateName`.
  private static func suffix(_ version: Int) -> String {
    let text = String(version, radix: 36)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }
}
