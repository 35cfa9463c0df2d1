/// Keeps something in the cluster as it should be, key by key.
///
/// It looks at the state of things and never at what has happened: changes add keys, and a look at a key decides by all that
/// is known then. So a look may come late, twice, or after a restart.
package protocol Controller<Key>: Sendable {
  /// What is looked at by itself, one look at a time.
  associatedtype Key: Hashable & Sendable

  /// The keys that are to be looked at.
  var keys: ReconcileLoop<Key> { get }

  /// Looks at everything about a key, does what is missing, and says when to look again.
  func reconcile(_ key: Key) async -> Ending

  /// Everything that the controller reads has been listed: from now on, an unknown object does not exist. Opens ``keys``.
  func becomeSynced() async

  /// Works until the task is cancelled, and returns when the last look has ended. Call once.
  func run() async
}

extension Controller {
  // Not `async`: an actor's own method that is not either would otherwise be passed over for this one.
  package func becomeSynced() { keys.open() }

  package func run() async { await keys.run { await self.reconcile($0) } }
}
