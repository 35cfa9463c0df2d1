/// The known objects of a collection, by name, each with its UID.
struct ObjectStore<Value: Sendable> {
  private var entries: [ObjectKey: Entry] = [:]
  private var list: UInt32 = 0

  /// On the heap, so that an unused place of the table takes only a pointer.
  private final class Entry: Sendable {
    let uid: String
    let resourceVersion: String
    /// The number of the last list that contained the object.
    let list: UInt32
    let value: Value

    init(uid: String, resourceVersion: String, list: UInt32, value: Value) {
      self.uid = uid
      self.resourceVersion = resourceVersion
      self.list = list
      self.value = value
    }
  }

  var count: Int { entries.count }
  var values: [Value] { entries.values.map(\.value) }
  subscript(key: ObjectKey) -> Value? { entries[key]?.value }

  /// Stores an object. A nil value means that it is not kept (any more).
  mutating func put(_ metadata: ObjectMeta, _ value: Value?) -> [Change<Value>] {
    let key = metadata.key
    guard let value else { return remove(key) }
    let old = entries[key]
    entries[key] = Entry(uid: metadata.uid, resourceVersion: metadata.resourceVersion, list: list, value: value)
    guard let old else { return [.updated(key, value, former: nil)] }
    // Deleted and created again between two events: two objects with the same name.
    if old.uid != metadata.uid { return [.removed(key, old.value), .updated(key, value, former: nil)] }
    return old.resourceVersion == metadata.resourceVersion ? [] : [.updated(key, value, former: old.value)]
  }

  mutating func remove(_ key: ObjectKey) -> [Change<Value>] {
    guard let old = entries.removeValue(forKey: key) else { return [] }
    return [.removed(key, old.value)]
  }

  /// Begins a list. Objects that the list lacks are removed at its end.
  mutating func beginList() { list &+= 1 }

  mutating func endList() -> [Change<Value>] {
    let gone = entries.filter { $0.value.list != list }
    return gone.keys.flatMap { remove($0) }
  }
}

/// A change of an object.
package enum Change<Value: Sendable>: Sendable {
  /// The object is new or has changed, perhaps only in fields that are not kept. `former` is the value before; nil for
  /// a new object.
  case updated(ObjectKey, Value, former: Value?)
  /// The object is deleted, or no longer selected. The value is the last known one.
  case removed(ObjectKey, Value)
  /// A list of all objects is about to be requested.
  case listing
  /// All objects have been delivered. An unknown object does not exist. Repeated after each new list.
  case synced

  /// The object that has changed, with nil for one that is gone; nil for a change that concerns no single object.
  package var object: (key: ObjectKey, new: Value?)? {
    switch self {
    case .updated(let key, let value, _): (key, value)
    case .removed(let key, _): (key, nil)
    case .listing, .synced: nil
    }
  }
}
