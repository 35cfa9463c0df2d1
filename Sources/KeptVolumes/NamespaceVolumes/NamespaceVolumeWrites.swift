package import Controllers
internal import JSON
package import KubernetesAPI
package import StorageModel

/// What a ``NamespaceVolumeKeeper`` asks of the API server. A seam: a test may put anything here.
///
/// Every call is one request, but for what its transport repeats by itself.
package protocol NamespaceVolumeWrites: Sendable {
  /// The namespace as it is now; nil when there is none of that name.
  func namespace(_ name: String) async throws(WriteFailure) -> Namespace?
  /// The claim as it is now; nil when there is none of that name.
  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// Creates a claim: `exists` when there is one of that name.
  func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Sets the request of exactly this claim, as it was seen: `conflict` when it has changed since.
  func setRequest(_ size: Quantity, of claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Records an Event on the object. Never waits and never fails.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}

/// The requests, to a real API server.
package struct APINamespaceVolumeWrites: NamespaceVolumeWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder

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
