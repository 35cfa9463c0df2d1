internal import Controllers
internal import JSON
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
internal import StorageModel
internal import Synchronization

/// The CSIStorageCapacity objects in our namespace, which the scheduler reads: one for each node and class.
///
/// On a server that has no such objects (before 1.19, or with the beta API off) there are none, and nothing is written.
final class APICapacities: Sendable {
  private let client: APIClient
  private let writer: ObjectWriter
  private let namespace: String
  private let served = Mutex(Served())

  private struct Served {
    /// Nil when the server is to be asked again.
    var askedAt: Duration?
    /// Nil when the server has no such objects.
    var resource: APIResource?
  }

  init(client: APIClient, namespace: String) {
    self.client = client
    writer = ObjectWriter(client)
    self.namespace = namespace
  }

  /// All that are ours.
  func all() async throws(WriteFailure) -> [CSIStorageCapacity] {
    guard let resource = try await resource() else { return [] }
    let selection = Selection(
      namespace: namespace, labels: "\(ClusterNames.componentLabel)=\(ClusterNames.nodeCapacityComponent)")
    return try await writer.all(selection, as: resource)
  }

  /// Says how much space a node has for volumes of a class.
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
      // What a node is and what a class is cannot be changed in it (k8s.io/api/storage/v1, CSIStorageCapacity).
      if found.nodeLabels != object.nodeLabels || found.storageClassName != place.storageClass {
        try await writer.remove(found, as: resource)
        _ = try await writer.create(object, as: resource)
      }
    } catch {
      // A newer server may have dropped the version: the next time it is asked again.
      if error.kind == .missing { served.withLock { $0 = Served() } }
      throw error
    }
  }

  /// Takes back what was written for a node or class that is gone.
  func delete(_ object: CSIStorageCapacity) async throws(WriteFailure) {
    guard let resource = try await resource() else { return }
    try await writer.remove(object, as: resource)
  }

  /// Asked once; again when the server does not know it any more, and now and then when it has none at all.
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
