internal import Controllers
internal import JSON
internal import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
internal import StorageModel

/// The node's requests, to a real API server.
struct APINodeWrites: NodeWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder
  /// The node's object, with nothing said in it.
  private let empty: NodeStorageObject

  /// - Parameter owner: whose object the reported one is, so that it goes with it; the daemon's DaemonSet.
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
    // Nobody else writes it.
    try await writer.putStatus(of: empty, object.status.json)
  }

  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    events.record(reason, on: object, message)
  }
}
