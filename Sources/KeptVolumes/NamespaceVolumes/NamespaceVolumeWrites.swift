package import Controllers
internal import JSON
package import KubernetesAPI
package import StorageModel

/// The requests of a ``NamespaceVolumeKeeper``. Tests replace this with a cluster in memory.
///
/// Every `async` call sends one request, waits for the API server and throws ``WriteFailure``. The transport may repeat
/// a request.
package protocol NamespaceVolumeWrites: Sendable {
  /// Reads the namespace; nil when it does not exist.
  func namespace(_ name: String) async throws(WriteFailure) -> Namespace?
  /// Reads the claim; nil when it does not exist.
  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// Creates a claim. Throws `exists` if there is one of that name.
  func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Sets the request of exactly this claim. Throws `conflict` if it has changed since it was read.
  func setRequest(_ size: Quantity, of claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Sends an Event on the object. Does not wait and does not fail.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}

/// Sends the requests to an API server. ``NamespaceVolumeWrites`` documents each of them.
package struct APINamespaceVolumeWrites: NamespaceVolumeWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder

  /// - Parameter events: sends the Events. The caller runs it.
  package init(client: APIClient, events: EventRecorder) {
    writer = ObjectWriter(client)
    self.events = events
  }

  package func namespace(_ name: String) async throws(WriteFailure) -> Namespace? {
    try await writer.find(ObjectKey(name: name))
  }

  package func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
    try await writer.find(key)
  }

  package func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure) {
    _ = try await writer.create(claim)
  }

  package func setRequest(_ size: Quantity, of claim: PersistentVolumeClaim) async throws(WriteFailure) {
    try await writer.change(claim, ["spec": ["resources": ["requests": ["storage": .string(size.description)]]]])
  }

  package func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    events.record(reason, on: object, message)
  }
}
