package import KubernetesAPI
internal import Synchronization

/// What this process knows of the objects of one kind: one list and watch, however many controllers read it.
///
/// It keeps what `keep` makes of each object, so the process decides once what it needs of a kind. Indices and subscribers
/// come before it runs.
package final class ObjectCache<Value: Sendable>: Sendable {
  /// What it holds, for log and metrics.
  package let name: String
  private let copy: any CollectionCopy<Value>
  private let indices: IndexList<Value>
  private let state = Mutex(State())

  private struct State {
    var subscribers: [@Sendable (Change<Value>) async -> Void] = []
    /// Called once, when everything has been listed.
    var waiters: [@Sendable () async -> Void] = []
  }

  /// - Parameters:
  ///   - report: told of each failure and of the wait that follows.
  ///   - keep: nil for an object that nobody wants.
  init<Object: APIObject>(
    _ name: String, _ client: APIClient, _ selection: Selection, _ resource: APIResource,
    report: @escaping @Sendable (APIError, Duration) -> Void, keep: @escaping @Sendable (Object) -> Value?
  ) {
    self.name = name
    let indices = IndexList<Value>()
    self.indices = indices
    copy = Reflector(client, selection, as: resource, report: report, onChange: { indices.update($0) }, keep: keep)
  }

  /// Whether everything has been listed once. Stays true while the API server is away.
  package var isSynced: Bool { copy.isSynced }
  package var count: Int { copy.count }
  package var values: [Value] { copy.values }
  package subscript(key: ObjectKey) -> Value? { copy.value(key) }
  /// The object of a kind without namespaces.
  package subscript(name: String) -> Value? { copy.value(ObjectKey(name: name)) }
}

extension ObjectCache {
  /// Adds an index: objects by what `terms` finds in them. Call before the cache runs.
  package func index<Term: Hashable & Sendable>(
    by terms: @escaping @Sendable (Value) -> [Term]
  ) -> CacheIndex<Value, Term> {
    let index = CacheIndex(terms)
    indices.append { index.update($0) }
    return index
  }

  /// The objects that an index has for a term.
  package func values<Term>(_ index: CacheIndex<Value, Term>, _ term: Term) -> [Value] {
    index[term].compactMap { self[$0] }
  }

  /// Has `deliver` told of each change, in order, after the cache and its indices have it. Call before the cache runs.
  ///
  /// While a subscriber works the others wait, and nothing more is read: it should add a key somewhere and return.
  package func subscribe(_ deliver: @escaping @Sendable (Change<Value>) async -> Void) {
    state.withLock { $0.subscribers.append(deliver) }
  }

  /// Adds to `keys` whatever `mapping` finds in an object that has changed, in what it was and in what it is.
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
    // A subscriber may hold this cache: the two would keep each other after the term.
    state.withLock { $0 = State() }
  }

  private func takeWaiters() -> [@Sendable () async -> Void] {
    state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
  }
}

/// A cache, whatever it holds.
package protocol FollowedCache: Sendable {
  var name: String { get }
  /// Has `action` called once, when everything has been listed and the subscribers know it. Call before the cache runs.
  func whenSynced(_ action: @escaping @Sendable () async -> Void)
  /// Follows the collection until the task is cancelled. Call once.
  func run() async
}
