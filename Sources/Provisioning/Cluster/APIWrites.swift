package import Controllers
internal import JSON
package import KubernetesAPI
internal import StorageLedger
package import StorageModel

/// Sends the provisioner's requests to an API server. ``ClusterWrites`` and ``NodeLossWrites`` document each of them.
package struct APIWrites: ClusterWrites {
  let writer: ObjectWriter
  private let events: EventRecorder
  private let capacityObjects: APICapacities

  /// - Parameters:
  ///   - events: sends the Events. The caller runs it.
  ///   - namespace: the provisioner's namespace, for the CSIStorageCapacity objects.
  package init(client: APIClient, events: EventRecorder, namespace: String) {
    writer = ObjectWriter(client)
    self.events = events
    capacityObjects = APICapacities(client: client, namespace: namespace)
  }

  package func sendEvent(_ object: ObjectReference, _ event: EventDraft) {
    events.record(event.reason, on: object, event.message)
  }
}

// MARK: - PVs

extension APIWrites {
  package func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume {
    try await writer.create(volume)
  }

  package func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try await writer.find(ObjectKey(name: name))
  }

  package func delete(_ volume: PersistentVolume) async throws(WriteFailure) { try await writer.delete(volume) }

  package func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure) {
    try await writer.change(volume, ["spec": ["capacity": ["storage": .string(capacity.description)]]])
  }

  package func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure) {
    try await writer.removeFinalizer(ClusterNames.finalizer, from: volume)
  }

  package func record(
    _ instance: String, on volume: String, uid: String, node: String
  ) async throws(WriteFailure) {
    // Kubernetes writes to a new PV at the same time. These writes do not matter here, so only the label is tested by
    // which the report was checked.
    let label = JSONValue.string(ClusterNames.nodeLabelValue(node))
    try await writer.change(
      PersistentVolume.self, ObjectKey(name: volume), uid: uid,
      if: [.test("metadata", "labels", ClusterNames.nodeLabel, value: label)],
      [.add("metadata", "annotations", ClusterNames.instanceAnnotation, value: .string(instance))])
  }

  package func record(_ instance: String, on volume: PersistentVolume) async throws(WriteFailure) {
    try await annotate(volume, ClusterNames.instanceAnnotation, instance)
  }

  package func agreeToRemoval(of volume: PersistentVolume) async throws(WriteFailure) {
    try await annotate(volume, ClusterNames.removalAnnotation, volume.instance ?? "")
  }

  private func annotate(_ volume: PersistentVolume, _ name: String, _ value: String) async throws(WriteFailure) {
    let annotation = JSONValue.Member(name, .string(value))
    try await writer.change(volume, ["metadata": ["annotations": .object([annotation])]])
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
    return try await writer.change(volume, body)
  }
}

// MARK: - Claims, pods, nodes

extension APIWrites {
  package func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
    try await writer.find(key)
  }

  package func pod(_ key: ObjectKey) async throws(WriteFailure) -> Pod? { try await writer.find(key) }

  package func node(_ name: String) async throws(WriteFailure) -> Node? {
    try await writer.find(ObjectKey(name: name))
  }

  package func removeSelectedNode(
    _ node: String, from claim: PersistentVolumeClaim
  ) async throws(WriteFailure) {
    let path = ["metadata", "annotations", PersistentVolumeClaim.selectedNodeAnnotation]
    try await writer.change(
      PersistentVolumeClaim.self, claim.metadata.key, uid: claim.metadata.uid,
      if: [.test(path[0], path[1], path[2], value: .string(node))], [.remove(path[0], path[1], path[2])])
  }
}

// MARK: - Free space for the scheduler

extension APIWrites {
  package func capacities() async throws(WriteFailure) -> [CSIStorageCapacity] { try await capacityObjects.all() }

  package func writeCapacity(_ capacity: ByteCount, for place: CapacityPlace) async throws(WriteFailure) {
    try await capacityObjects.writeCapacity(capacity, for: place)
  }

  package func delete(_ capacity: CSIStorageCapacity) async throws(WriteFailure) {
    try await capacityObjects.delete(capacity)
  }
}
