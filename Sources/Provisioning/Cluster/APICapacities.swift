internal import Controllers
internal import JSON
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
internal import StorageModel
internal import Synchronization

/// The CSIStorageCapacity objects in our namespace, one for each node and storage class. The scheduler reads them.
///
/// Some servers have no such objects: those before 1.19, and those with the beta API off. Nothing is written there.
final class APICapacities: Sendable {
  private let client: APIClient
  private let writer: ObjectWriter
  private let namespace: String
  private let served = Mutex(Served())

  private struct Served {
    /// When the server was asked for the versions that it serves; nil if it has to be asked again.
    var askedAt: Duration?
    /// The version to use; nil when the server has no such objects.
    var resource: APIResource?
  }

  init(client: APIClient, namespace: String) {
    self.client = client
    writer = ObjectWriter(client)
    self.namespace = namespace
  }

  /// Lists all objects of ours.
  func all() async throws(WriteFailure) -> [CSIStorageCapacity] {
    guard let resource = try await resource() else { return [] }
    let selection = Selection(
      namespace: namespace, labels: "\(ClusterNames.componentLabel)=\(ClusterNames.nodeCapacityComponent)")
    return try await writer.all(selection, as: resource)
  }

  /// Writes how much free space a node has for volumes of a storage class.
  func writeCapacity(_ capacity: ByteCount, for place: CapacityPlace) async throws(WriteFailure) {
    guard let resource = try await resource() else { return }
    var object = CSIStorageCapacity(
      metadata: ObjectMeta(
        name: place.objectName, namespace: namespace,
        labels: [
          ClusterNames.componentLabel: ClusterNames.nodeCapacityComponent,
          ClusterNames.nodeLabel: ClusterNames.nodeLabelValue(place.node),
        ]))
    object.storageClassName = place.storageClass
    object.nodeLabels = [ClusterNames.hostnameLabel: place.hostname]
    object.capacity = Quantity(capacity)
    do throws(WriteFailure) {
      let change: JSONValue = ["capacity": .string(Quantity(capacity).description)]
      let found = try await writer.put(object, change, as: resource)
      // Node and class of an object cannot be changed (k8s.io/api/storage/v1, CSIStorageCapacity).
      if found.nodeLabels != object.nodeLabels || found.storageClassName != place.storageClass {
        try await writer.remove(found, as: resource)
        _ = try await writer.create(object, as: resource)
      }
    } catch {
      // The server may have been upgraded and no longer serve the version. The next call asks it again.
      if error.kind == .missing { served.withLock { $0 = Served() } }
      throw error
    }
  }

  /// Deletes an object whose node or class is gone.
  func delete(_ object: CSIStorageCapacity) async throws(WriteFailure) {
    guard let resource = try await resource() else { return }
    try await writer.remove(object, as: resource)
  }

  /// The version that the server serves; nil if it serves none. Asks the server once, and again when it no longer knows
  /// the version. A server that serves none is asked every ten minutes at most.
  private func resource() async throws(WriteFailure) -> APIResource? {
    let known = served.withLock { $0 }
    if let askedAt = known.askedAt, known.resource != nil || MonotonicClock.now() - askedAt < .seconds(600) {
      return known.resource
    }
    let resource: APIResource?
    do throws(APIError) {
      resource = try await client.served(CSIStorageCapacity.resource, in: ["v1", "v1beta1", "v1alpha1"])
    } catch {
      throw WriteFailure(error)
    }
    served.withLock { $0 = Served(askedAt: MonotonicClock.now(), resource: resource) }
    return resource
  }
}
