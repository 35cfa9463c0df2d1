package import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
package import StorageModel
internal import Synchronization

/// The node's requests, to a real API server.
package final class APINodeWrites: NodeWrites {
  private let client: APIClient
  private let events: EventRecorder
  private let node: String
  private let namespace: String
  /// Whose objects the published ones are, so that they go with it; the daemon's DaemonSet.
  private let owner: OwnerReference?
  private let capacities = Mutex(Capacities())

  private struct Capacities {
    /// Nil when the server is to be asked again.
    var askedAt: Duration?
    /// Nil when the server has no such objects.
    var resource: APIResource?
  }

  package init(client: APIClient, events: EventRecorder, node: String, namespace: String, owner: OwnerReference?) {
    self.client = client
    self.events = events
    self.node = node
    self.namespace = namespace
    self.owner = owner
  }

  package func tell(_ object: ObjectReference, isWarning: Bool, reason: String, _ message: String) {
    events.record(isWarning ? .warning : .normal, on: object, reason: reason, message)
  }
}

// MARK: - PVs

extension APINodeWrites {
  package func volume(_ name: String) async throws(APIError) -> PersistentVolume? {
    do throws(APIError) {
      return try await client.get(PersistentVolume.self, ObjectKey(name: name))
    } catch {
      guard error.kind == .notFound else { throw error }
      return nil
    }
  }

  package func liftFinalizer(of volume: PersistentVolume) async throws(APIError) {
    let rest = volume.metadata.finalizers.filter { $0 != ClusterNames.finalizer }
    let body: JSONValue = ["metadata": ["finalizers": .array(rest.map { .string($0) })]]
    do throws(APIError) {
      try await patch(volume, body)
    } catch {
      guard error.kind == .notFound else { throw error }
    }
  }

  package func noteInstance(_ instance: String, on volume: PersistentVolume) async throws(APIError) {
    // Kubernetes writes to a fresh PV at the same time. What it writes does not matter here, so only the UID is tested.
    let patch = Patch.operations([
      .test("metadata", "uid", value: .string(volume.metadata.uid)),
      .add("metadata", "annotations", ClusterNames.instanceAnnotation, value: .string(instance)),
    ])
    do throws(APIError) {
      _ = try await client.patch(PersistentVolume.self, volume.metadata.key, patch)
    } catch {
      // A test that fails is a 422 without causes.
      guard error.kind == .invalid, error.causes.isEmpty else { throw error }
      throw APIError(.conflict, error.message)
    }
  }

  package func pin(_ volume: PersistentVolume, node: String, hostname: String) async throws(APIError) {
    let expression: JSONValue = [
      "key": .string(ClusterNames.hostnameLabel), "operator": "In", "values": [.string(hostname)],
    ]
    let label = JSONValue.Member(ClusterNames.nodeLabel, .string(ClusterNames.nodeLabelValue(node)))
    try await patch(
      volume,
      [
        "metadata": ["labels": .object([label])],
        "spec": ["nodeAffinity": ["required": ["nodeSelectorTerms": [["matchExpressions": [expression]]]]]],
      ])
  }

  private func patch(_ volume: PersistentVolume, _ body: JSONValue) async throws(APIError) {
    _ = try await client.patch(
      PersistentVolume.self, volume.metadata.key, .merge(body, ifStill: volume.metadata))
  }
}

// MARK: - What is published

extension APINodeWrites {
  package func publish(_ storage: NodeStorage) async throws(APIError) {
    var object = storage.published(in: namespace)
    object.metadata.ownerReferences = owner.map { [$0] } ?? []
    let text = object.data[ClusterNames.nodeStorageKey] ?? ""
    try await put(object, ["data": .object([.init(ClusterNames.nodeStorageKey, .string(text))])])
  }

  package func publish(_ room: ByteCount, storageClass: String, hostname: String) async throws(APIError) {
    guard let resource = try await capacityResource() else { return }
    var object = CSIStorageCapacity(
      metadata: ObjectMeta(
        name: capacityName(storageClass), namespace: namespace, labels: capacityLabels,
        ownerReferences: owner.map { [$0] } ?? []))
    object.storageClassName = storageClass
    object.nodeLabels = [ClusterNames.hostnameLabel: hostname]
    object.capacity = Quantity(room)
    do throws(APIError) {
      let found = try await put(object, ["capacity": .string(Quantity(room).description)], as: resource)
      // What a node is and what a class is can not be changed in it (k8s.io/api/storage/v1, CSIStorageCapacity).
      if found.nodeLabels != object.nodeLabels || found.storageClassName != storageClass {
        try await client.delete(resource, found.metadata.key, uid: found.metadata.uid)
        _ = try await client.create(object, as: resource)
      }
    } catch {
      // A newer server may have dropped the version: the next time it is asked again.
      if error.kind == .notFound { capacities.withLock { $0 = Capacities() } }
      throw error
    }
  }

  package func withdrawCapacity(except classes: Set<String>) async throws(APIError) {
    guard let resource = try await capacityResource() else { return }
    let selection = Selection(
      namespace: namespace, labels: capacityLabels.map { "\($0.key)=\($0.value)" }.joined(separator: ","))
    var stale: [CSIStorageCapacity] = []
    try await client.list(CSIStorageCapacity.self, selection, as: resource) { found in
      let isOurs = found.metadata.name == capacityName(found.storageClassName)
      if !isOurs || !classes.contains(found.storageClassName) { stale.append(found) }
    }
    for object in stale { try await client.delete(resource, object.metadata.key, uid: object.metadata.uid) }
  }

  /// Changes the object, or makes it when it is not there, and returns it as it is then.
  @discardableResult
  private func put<Object: WritableObject>(
    _ object: Object, _ change: JSONValue, as resource: APIResource = Object.resource
  ) async throws(APIError) -> Object {
    do throws(APIError) {
      let owners = object.metadata.ownerReferences.map { $0.json }
      return try await client.patch(
        Object.self, object.metadata.key,
        .merge(change.merged(with: ["metadata": ["ownerReferences": .array(owners)]])), as: resource)
    } catch {
      guard error.kind == .notFound else { throw error }
      return try await client.create(object, as: resource)
    }
  }

  private var capacityLabels: StringMap {
    [
      ClusterNames.componentLabel: ClusterNames.nodeCapacityComponent,
      ClusterNames.nodeLabel: ClusterNames.nodeLabelValue(node),
    ]
  }

  private func capacityName(_ storageClass: String) -> String {
    ClusterNames.nodeCapacityObject(of: node, storageClass: storageClass)
  }

  /// Asked once; again when the server does not know it any more, and now and then when it has none at all.
  private func capacityResource() async throws(APIError) -> APIResource? {
    let known = capacities.withLock { $0 }
    if let askedAt = known.askedAt, known.resource != nil || MonotonicClock.now() - askedAt < .seconds(600) {
      return known.resource
    }
    let resource = try await client.served(CSIStorageCapacity.resource, in: ["v1", "v1beta1", "v1alpha1"])
    capacities.withLock { $0 = Capacities(askedAt: MonotonicClock.now(), resource: resource) }
    return resource
  }
}
