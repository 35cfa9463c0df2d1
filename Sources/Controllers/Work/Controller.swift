/// Keeps objects in the cluster as they should be, key by key.
///
/// A controller decides by the present state, never by past events. Changes only add keys, and reconciling a key
/// considers everything known at that time. So a reconciliation may be late, may be repeated, and may follow a restart.
package protocol Controller<Key>: Sendable {
  /// The unit of work. At most one reconciliation of a key runs at a time.
  associatedtype Key: Hashable & Sendable

  /// The keys to be reconciled.
  var keys: ReconcileLoop<Key> { get }

  /// Compares everything about a key with its desired state, corrects the difference, and returns when to reconcile
  /// again.
  func reconcile(_ key: Key) async -> Ending

  /// Called when all caches that the controller reads are synced. From now on, an unknown object does not exist. Opens
  /// ``keys``.
  func becomeSynced() async

  /// Works until the task is cancelled. Returns when the last reconciliation has ended. Call once.
  func run() async
}

extension Controller {
  // Not `async`: otherwise Swift would prefer this method to an actor's own one that is not `async`.
  package func becomeSynced() { keys.open() }

  package func run() async { await keys.run { await self.reconcile($0) } }
}
