internal import JSON
internal import KubernetesAPI
internal import StorageModel

/// What controllers of Kubernetes do with PVs and claims. A value without I/O.
package enum VolumeController: Hashable, Sendable {
  /// The PV controller, as far as our programs depend on it (`syncVolume`, `syncUnboundClaim`): binds a PV and its claim, and
  /// releases a PV whose claim is gone.
  case binder
  /// The nodes' daemons, and whoever else has a finalizer on a PV: each has done its part at once when a PV is being deleted.
  case finalizers

  private static let volumes = SimulatedAPIServer.name(PersistentVolume.resource)
  private static let claims = SimulatedAPIServer.name(PersistentVolumeClaim.resource)

  /// Looks at all PVs.
  func act(on database: inout ObjectDatabase) {
    for key in Self.volumeKeys(in: database) { act(on: key, &database) }
  }

  /// Looks at the PVs that changes behind a version concern.
  func act(on database: inout ObjectDatabase, after version: Int) {
    for change in database.changes(after: version) {
      for key in Self.volumeKeys(concernedBy: change, in: database) { act(on: key, &database) }
    }
  }

  private static func volumeKeys(in database: ObjectDatabase) -> [ObjectDatabase.Key] {
    database.objects.keys.filter { $0.resource == volumes }.sorted()
  }

  private static func volumeKeys(
    concernedBy change: ObjectDatabase.Change, in database: ObjectDatabase
  ) -> [ObjectDatabase.Key] {
    switch change.key.resource {
    case volumes: change.isGone ? [] : [change.key]
    case claims:
      volumeKeys(in: database).filter { key in
        guard let reference = database.objects[key]?["spec", "claimRef"] else { return true }
        return claimKey(reference) == change.key
      }
    default: []
    }
  }

  private func act(on key: ObjectDatabase.Key, _ database: inout ObjectDatabase) {
    guard let volume = database.objects[key] else { return }
    switch self {
    case .binder: Self.bind(volume, key, &database)
    case .finalizers:
      guard volume["metadata", "deletionTimestamp"] != nil else { return }
      Self.edit(key, PersistentVolume.resource, &database) { $0[["metadata", "finalizers"]] = [] }
    }
  }

  // MARK: The PV controller

  private static func bind(_ volume: JSONValue, _ key: ObjectDatabase.Key, _ database: inout ObjectDatabase) {
    let reference = volume["spec", "claimRef"]
    guard let holder = claimKey(for: volume, in: database), let claim = database.objects[holder] else {
      return edit(key, PersistentVolume.resource, &database) {
        $0[["status", "phase"]] = reference == nil ? "Available" : "Released"
      }
    }
    let isBound = [volume, claim].allSatisfy { $0["status", "phase"]?.string == "Bound" }
    guard !isBound, volume["metadata", "deletionTimestamp"] == nil, mayBind(claim, key.name, volume) else { return }
    edit(key, PersistentVolume.resource, &database) { object in
      object[["status", "phase"]] = "Bound"
      guard reference?["uid"]?.string ?? "" == "" else { return }
      object[["spec", "claimRef"]] = .members([
        "apiVersion": claim["apiVersion"], "kind": claim["kind"], "namespace": .string(holder.namespace),
        "name": .string(holder.name), "uid": claim["metadata", "uid"],
      ])
    }
    edit(holder, PersistentVolumeClaim.resource, &database) { object in
      object[["spec", "volumeName"]] = .string(key.name)
      object[["status"]] = [
        "phase": "Bound", "capacity": ["storage": volume["spec", "capacity", "storage"] ?? "0"],
      ]
    }
  }

  /// The claim that the PV names or, where it names none or no UID, the first that it may have.
  private static func claimKey(for volume: JSONValue, in database: ObjectDatabase) -> ObjectDatabase.Key? {
    guard let reference = volume["spec", "claimRef"] else {
      return database.objects.filter { key, claim in
        key.resource == claims && claim["spec", "volumeName"]?.string ?? "" == ""
          && claim["spec", "storageClassName"]?.string == volume["spec", "storageClassName"]?.string
      }.keys.min()
    }
    let key = claimKey(reference)
    let uid = reference["uid"]?.string ?? ""
    guard let claim = database.objects[key], uid.isEmpty || claim["metadata", "uid"]?.string == uid else { return nil }
    return key
  }

  private static func claimKey(_ reference: JSONValue) -> ObjectDatabase.Key {
    ObjectDatabase.Key(
      resource: claims, namespace: reference["namespace"]?.string ?? "", name: reference["name"]?.string ?? "")
  }

  private static func mayBind(_ claim: JSONValue, _ name: String, _ volume: JSONValue) -> Bool {
    let chosen = claim["spec", "volumeName"]?.string ?? ""
    return chosen == name
      || chosen.isEmpty && size(claim, "resources", "requests", "storage") <= size(volume, "capacity", "storage")
  }

  private static func size(_ object: JSONValue, _ path: String...) -> Quantity {
    // One that cannot be read is none.
    object[["spec"] + path]?.string.flatMap { try? Quantity(parsing: $0) } ?? .zero
  }

  private static func edit(
    _ key: ObjectDatabase.Key, _ resource: APIResource, _ database: inout ObjectDatabase,
    _ body: (inout JSONValue) -> Void
  ) {
    guard var object = database.objects[key] else { return }
    body(&object)
    // Both are there, and no precondition is asked for.
    _ = try? database.replace(object, .init(served: ServedResource(resource), key: key))
  }
}
