internal import Controllers
internal import JSON
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
internal import StorageModel

/// The node's requests to a real API server.
struct APINodeWrites: NodeWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder
  /// The node's object without a report.
  private let empty: NodeStorageObject

  /// - Parameter owner: the daemon's DaemonSet. The reported object is deleted with it.
  init(_ api: APIAccess, node: String, namespace: String, owner: OwnerReference?) {
    writer = ObjectWriter(api.client)
    events = api.events
    empty = NodeStorageObject(node: node, namespace: namespace, owner: owner)
  }

  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try await writer.find(ObjectKey(name: name))
  }

  func report(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(WriteFailure) {
    var object = empty
    object.storage = storage
    object.reports = reports
    // Only this daemon writes it.
    try await writer.putStatus(of: empty, object.status.json)
  }

  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    events.record(reason, on: object, message)
  }
}
