internal import JSON
package import KubernetesAPI
internal import StorageLedger
package import StorageModel

/// The provisioner's requests, to a real API server.
package struct APIWrites: ClusterWrites {
  private let client: APIClient
  private let events: EventRecorder
  private let published: APICapacities

  /// - Parameter namespace: ours, where the scheduler is told of room.
  package init(client: APIClient, events: EventRecorder, namespace: String) {
    self.client = client
    self.events = events
    published = APICapacities(client: client, namespace: namespace)
  }

  package func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume {
    try await asking { () throws(APIError) in try await client.create(volume) }
  }

  package func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try await finding { () throws(APIError) in try await client.get(PersistentVolume.self, ObjectKey(name: name)) }
  }

  package func node(_ name: String) async throws(WriteFailure) -> Node? {
    try await finding { () throws(APIError) in try await client.get(Node.self, ObjectKey(name: name)) }
  }

  package func delete(_ volume: PersistentVolume) async throws(WriteFailure) {
    try await asking { () throws(APIError) in
      try await client.delete(
        PersistentVolume.resource, volume.metadata.key, uid: volume.metadata.uid,
        resourceVersion: volume.metadata.resourceVersion)
    }
  }

  package func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure) {
    let body: JSONValue = ["spec": ["capacity": ["storage": .string(capacity.description)]]]
    try await patch(volume, .merge(body, ifStill: volume.metadata))
  }

  package func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure) {
    let rest = volume.metadata.finalizers.filter { $0 != ClusterNames.finalizer }
    let body: JSONValue = ["metadata": ["finalizers": .array(rest.map { .string($0) })]]
    do throws(WriteFailure) {
      try await patch(volume, .merge(body, ifStill: volume.metadata))
    } catch {
      guard error.kind == .missing else { throw error }
    }
  }

  package func record(
    _ instance: String, on volume: String, uid: String, node: String
  ) async throws(WriteFailure) {
    // Kubernetes writes to a fresh PV at the same time. What it writes does not matter here, so only what the report was
    // checked by is tested.
    let patch = Patch.operations([
      .test("metadata", "uid", value: .string(uid)),
      .test("metadata", "labels", ClusterNames.nodeLabel, value: .string(ClusterNames.nodeLabelValue(node))),
      .add("metadata", "annotations", ClusterNames.instanceAnnotation, value: .string(instance)),
    ])
    try await asking { () throws(APIError) in
      _ = try await client.patch(PersistentVolume.self, ObjectKey(name: volume), patch)
    }
  }

  package func record(_ instance: String, on volume: PersistentVolume) async throws(WriteFailure) {
    let annotation = JSONValue.Member(ClusterNames.instanceAnnotation, .string(instance))
    try await patch(
      volume, .merge(["metadata": ["annotations": .object([annotation])]], ifStill: volume.metadata))
  }

  package func assign(
    _ volume: PersistentVolume, to node: String, hostname: String
  ) async throws(WriteFailure) -> PersistentVolume {
    let label = JSONValue.Member(ClusterNames.nodeLabel, .string(ClusterNames.nodeLabelValue(node)))
    var body: JSONValue = ["metadata": ["labels": .object([label])]]
    // A PV's affinity cannot be changed once it is set (before 1.35, ValidatePersistentVolumeUpdate).
    if volume.nodeAffinity?.terms.isEmpty != false {
      let affinity: JSONValue = ["required": NodeSelector(label: ClusterNames.hostnameLabel, in: [hostname]).json]
      body = body.merged(with: ["spec": ["nodeAffinity": affinity]])
    }
    let patch = Patch.merge(body, ifStill: volume.metadata)
    return try await asking { () throws(APIError) in
      try await client.patch(PersistentVolume.self, volume.metadata.key, patch)
    }
  }

  package func agreeToRemoval(of volume: PersistentVolume) async throws(WriteFailure) {
    let annotation = JSONValue.Member(ClusterNames.removalAnnotation, .string(volume.instance ?? ""))
    try await patch(
      volume, .merge(["metadata": ["annotations": .object([annotation])]], ifStill: volume.metadata))
  }

  package func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
    try await finding { () throws(APIError) in try await client.get(PersistentVolumeClaim.self, key) }
  }

  package func pod(_ key: ObjectKey) async throws(WriteFailure) -> Pod? {
    try await finding { () throws(APIError) in try await client.get(Pod.self, key) }
  }

  private func patch(_ volume: PersistentVolume, _ patch: Patch) async throws(WriteFailure) {
    try await asking { () throws(APIError) in
      _ = try await client.patch(PersistentVolume.self, volume.metadata.key, patch)
    }
  }

  package func removeSelectedNode(
    _ node: String, from claim: PersistentVolumeClaim
  ) async throws(WriteFailure) {
    let path = ["metadata", "annotations", PersistentVolumeClaim.selectedNodeAnnotation]
    let patch = Patch.operations([
      .test("metadata", "uid", value: .string(claim.metadata.uid)),
      .test(path[0], path[1], path[2], value: .string(node)), .remove(path[0], path[1], path[2]),
    ])
    try await asking { () throws(APIError) in
      _ = try await client.patch(PersistentVolumeClaim.self, claim.metadata.key, patch)
    }
  }

  package func capacities() async throws(WriteFailure) -> [CSIStorageCapacity] {
    try await asking { () throws(APIError) in try await published.all() }
  }

  package func publish(_ room: ByteCount, for place: CapacityPlace) async throws(WriteFailure) {
    try await asking { () throws(APIError) in try await published.publish(room, for: place) }
  }

  package func delete(_ capacity: CSIStorageCapacity) async throws(WriteFailure) {
    try await asking { () throws(APIError) in try await published.delete(capacity) }
  }

  package func tell(_ object: ObjectReference, _ note: Note) {
    events.record(note.isWarning ? .warning : .normal, on: object, reason: note.reason, note.message)
  }

  // MARK: Errors

  private func asking<Value>(
    _ body: () async throws(APIError) -> Value
  ) async throws(WriteFailure) -> Value {
    do throws(APIError) { return try await body() } catch { throw WriteFailure(error) }
  }

  private func finding<Value>(
    _ body: () async throws(APIError) -> Value
  ) async throws(WriteFailure) -> Value? {
    do throws(APIError) {
      return try await body()
    } catch {
      guard error.kind != .notFound else { return nil }
      throw WriteFailure(error)
    }
  }
}

extension WriteFailure {
  init(_ error: APIError) {
    let kind: Kind =
      switch error.kind {
      case .alreadyExists: .exists
      case .notFound: .missing
      // A JSON patch whose test fails is a 422 (`invalid`): what was tested is not as it was seen.
      case .conflict: .conflict
      case .invalid where error.causes.isEmpty: .conflict
      case _ where error.mayHaveHappened: .unknown
      default: .rejected
      }
    self.init(kind, error.description)
  }
}
