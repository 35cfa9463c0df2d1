package import KubernetesAPI
package import StorageModel

/// What the provisioner asks of the API server beside its lists and watches. A seam: the tests put a cluster in memory here.
///
/// Every call is one request, but for what its transport repeats by itself.
package protocol ClusterWrites: Sendable {
  /// Creates the PV.
  func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume
  /// The PV as it is now; nil when there is none.
  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// Deletes exactly this PV, as it was seen: `conflict` when it has changed since.
  func delete(_ volume: PersistentVolume) async throws(WriteFailure)
  /// Sets the capacity of exactly this PV, as it was seen: `conflict` when it has changed since.
  func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure)
  /// Takes our finalizer off exactly this PV, as it was seen. One that is gone is fine.
  func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure)
  /// Takes the scheduler's choice off the claim, if it still is this node: the scheduler then chooses anew.
  func removeSelectedNode(_ node: String, from claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// The node; nil when there is none of that name.
  func node(_ name: String) async throws(WriteFailure) -> Node?
  /// Tells whoever looks at the object. Never waits and never fails.
  func tell(_ object: ObjectReference, _ note: Note)
}

/// What an Event says.
package struct Note: Hashable, Sendable {
  package var isWarning: Bool
  /// One word, stable.
  package var reason: String
  package var message: String

  package static func normal(_ reason: String, _ message: String) -> Note {
    Note(isWarning: false, reason: reason, message: message)
  }

  package static func warning(_ reason: String, _ message: String) -> Note {
    Note(isWarning: true, reason: reason, message: message)
  }
}

/// Why a request did not do what it was to do.
package struct WriteFailure: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// There is one of that name already.
    case exists
    /// There is none.
    case missing
    /// It is not as it was seen.
    case conflict
    /// The server has said no: nothing was done.
    case rejected
    /// Nobody knows whether it was done: the answer was lost.
    case unknown
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}
