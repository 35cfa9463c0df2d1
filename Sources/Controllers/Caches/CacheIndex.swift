package import KubernetesAPI
internal import Synchronization

/// The objects of a cache by a term that is found in them, for example the PVs of a claim or the pods of an owner.
///
/// The index changes in the same step as the cache. An object may be gone by the time that a caller reads it.
package final class CacheIndex<Value: Sendable, Term: Hashable & Sendable>: Sendable {
  private let terms: @Sendable (Value) -> [Term]
  private let entries = Mutex<[Term: Keys]>([:])

  /// Most terms have one object. A set for each would take several times the memory.
  private enum Keys {
    case one(ObjectKey)
    case many(Set<ObjectKey>)
  }

  init(_ terms: @escaping @Sendable (Value) -> [Term]) { self.terms = terms }

  /// The objects of a term, in no order.
  package subscript(term: Term) -> [ObjectKey] {
    switch entries.withLock({ $0[term] }) {
    case nil: []
    case .one(let key): [key]
    case .many(let keys): Array(keys)
    }
  }

  /// The number of terms.
  package var count: Int { entries.withLock { $0.count } }

  func update(_ change: Change<Value>) {
    switch change {
    case .updated(let key, let value, let former):
      let (old, new) = (former.map(terms) ?? [], terms(value))
      guard old != new else { return }
      entries.withLock { entries in
        for term in old { Self.remove(key, term, &entries) }
        for term in new { Self.insert(key, term, &entries) }
      }
    case .removed(let key, let value):
      entries.withLock { entries in
        for term in terms(value) { Self.remove(key, term, &entries) }
      }
    case .listing, .synced: break
    }
  }

  private static func insert(_ key: ObjectKey, _ term: Term, _ entries: inout [Term: Keys]) {
    switch entries[term] {
    case nil: entries[term] = .one(key)
    case .one(key): break
    case .one(let other): entries[term] = .many([other, key])
    case .many(var keys):
      // Removed first, so that the set is not referenced twice: it would be copied.
      entries[term] = nil
      keys.insert(key)
      entries[term] = .many(keys)
    }
  }

  private static func remove(_ key: ObjectKey, _ term: Term, _ entries: inout [Term: Keys]) {
    guard case .many(var keys) = entries[term] else {
      if case .one(key) = entries[term] { entries[term] = nil }
      return
    }
    entries[term] = nil
    keys.remove(key)
    if let only = keys.first { entries[term] = keys.count == 1 ? .one(only) : .many(keys) }
  }
}

/// The indices of a cache.
final class IndexList<Value: Sendable>: Sendable {
  private let all = Mutex<[@Sendable (Change<Value>) -> Void]>([])

  func append(_ update: @escaping @Sendable (Change<Value>) -> Void) { all.withLock { $0.append(update) } }

  func update(_ change: Change<Value>) { for update in all.withLock({ $0 }) { update(change) } }
}
