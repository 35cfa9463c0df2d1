package import KubernetesAPI
package import StorageModel

/// The provisioner's requests, to a real API server.
package struct APIWrites: ClusterWrites {
  private let client: APIClient
  private let events: EventRecorder

  package init(client: APIClient, events: EventRecorder) {
    self.client = client
    self.events = events
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
