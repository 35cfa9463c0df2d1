package import KubernetesAPI
internal import Synchronization

/// The objects of one kind that this process knows: one list and watch, however many controllers read it.
///
/// The cache stores the value that `keep` returns for each object, so the process decides once which fields it needs.
/// Add indices and subscribers before the cache runs.
package final class ObjectCache<Value: Sendable>: Sendable {
  /// The name of the content, for log and metrics.
  package let name: String
  private let copy: any CollectionCopy<Value>
  private let indices: IndexList<Value>
  private let state = Mutex(State())

  private struct State {
    var subscribers: [@Sendable (Change<Value>) async -> Void] = []
    /// Called once, after the first complete list.
    var waiters: [@Sendable () async -> Void] = []
  }

  /// - Parameters:
  /// - report: called after each failure, with the time until the next attempt.
  /// - keep: returns the value that the cache stores for an object; nil for an object to be left out.
  init<Object: APIObject>(
    _ name: String, _ client: APIClient, _ selection: Selection, _ resource: APIResource,
    report: @escaping @Sendable (APIError, Duration) -> Void, keep: @escaping @Sendable (Object) -> Value?
  ) {
    self.name = name
    let indices = IndexList<Value>()
    self.indices = indices
    copy = Reflector(client, selection, as: resource, report: report, onChange: { indices.update($0) }, keep: keep)
  }

  /// Whether the first list is complete. Stays true while the API server does not answer.
  package var isSynced: Bool { copy.isSynced }
  package var count: Int { copy.count }
  package var values: [Value] { copy.values }
  package subscript(key: ObjectKey) -> Value? { copy.value(key) }
  /// The object of a kind without namespaces.
  package subscript(name: String) -> Value? { copy.value(ObjectKey(name: name)) }
}

extension ObjectCache {
  /// Adds an index of the objects by the terms that `terms` returns for them. Call before the cache runs.
  package func index<Term: Hashable & Sendable>(
    by terms: @escaping @Sendable (Value) -> [Term]
  ) -> CacheIndex<Value, Term> {
    let index = CacheIndex(terms)
    indices.append { index.update($0) }
    return index
  }

  /// The objects of a term in an index.
  package func values<Term>(_ index: CacheIndex<Value, Term>, _ term: Term) -> [Value] {
    index[term].compactMap { self[$0] }
  }

  /// Calls `deliver` for each change, in order, after the cache and its indices contain it. Call before the cache runs.
  ///
  /// While a subscriber works, other subscribers wait and nothing more is read. It should add a key to a queue and
  /// return.
  package func subscribe(_ deliver: @escaping @Sendable (Change<Value>) async -> Void) {
    state.withLock { $0.subscribers.append(deliver) }
  }

  /// Adds to `keys` the keys that `mapping` returns for a changed object, for its old and its new value.
  package func enqueue<Key>(
    to keys: ReconcileLoop<Key>, _ mapping: @escaping @Sendable (ObjectKey, Value) -> [Key]
  ) {
    subscribe { change in
      var found: Set<Key> = []
      switch change {
      case .updated(let key, let value, let former):
        for state in [former, value] { found.formUnion(state.map { mapping(key, $0) } ?? []) }
      case .removed(let key, let value): found.formUnion(mapping(key, value))
      case .listing, .synced: break
      }
      for key in found { keys.add(key) }
    }
  }
}

extension ObjectCache: FollowedCache {
  package func whenSynced(_ action: @escaping @Sendable () async -> Void) {
    state.withLock { $0.waiters.append(action) }
  }

  package func run() async {
    let subscribers = state.withLock { $0.subscribers }
    await copy.run { change in
      for deliver in subscribers { await deliver(change) }
      guard case .synced = change else { return }
      for waiter in self.takeWaiters() { await waiter() }
    }
    // A subscriber may reference this cache. The two would keep each other alive after the term.
    state.withLock { $0 = State() }
  }

  private func takeWaiters() -> [@Sendable () async -> Void] {
    state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
  }
}

/// A cache of any content.
package protocol FollowedCache: Sendable {
  var name: String { get }
  /// Calls `action` once, when the first list is complete and the subscribers have received it. Call before the cache
  /// runs.
  func whenSynced(_ action: @escaping @Sendable () async -> Void)
  /// Follows the collection until the task is cancelled. Call once.
  func run() async
}
