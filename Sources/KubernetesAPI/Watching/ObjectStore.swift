/// The objects of a collection as far as they are known, by name, each with its UID.
struct ObjectStore<Value: Sendable> {
  private var entries: [ObjectKey: Entry] = [:]
  private var list: UInt32 = 0

  /// On the heap, so that a table with space for more than there is costs a pointer a place.
  private final class Entry: Sendable {
    let uid: String
    let resourceVersion: String
    /// The last list that had it.
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

  /// Stores an object; a nil value means that it is not wanted (any more).
  mutating func put(_ metadata: ObjectMeta, _ value: Value?) -> [Change<Value>] {
    let key = metadata.key
    guard let value else { return remove(key) }
    let old = entries[key]
    entries[key] = Entry(uid: metadata.uid, resourceVersion: metadata.resourceVersion, list: list, value: value)
    guard let old else { return [.updated(key, value, former: nil)] }
    // Deleted and made anew while nobody looked: two objects, whatever the name says.
    if old.uid != metadata.uid { return [.removed(key, old.value), .updated(key, value, former: nil)] }
    return old.resourceVersion == metadata.resourceVersion ? [] : [.updated(key, value, former: old.value)]
  }

  mutating func remove(_ key: ObjectKey) -> [Change<Value>] {
    guard let old = entries.removeValue(forKey: key) else { return [] }
    return [.removed(key, old.value)]
  }

  /// A list begins: what it does not have is gone when it ends.
  mutating func beginList() { list &+= 1 }

  mutating func endList() -> [Change<Value>] {
    let gone = entries.filter { $0.value.list != list }
    return gone.keys.flatMap { remove($0) }
  }
}

/// What has become of an object.
package enum Change<Value: Sendable>: Sendable {
  /// New, or changed; perhaps only in what was pruned. `former` is the value before, nil for an object that is new.
  case updated(ObjectKey, Value, former: Value?)
  /// Gone, or not selected any more; the value is the last that was known.
  case removed(ObjectKey, Value)
  /// All objects are about to be asked for.
  case listing
  /// All objects have been delivered: what is not known does not exist. Again after each new list.
  case synced

  /// The object that has changed, with nil for one that is gone; nil for a change that is of no single object.
  package var object: (key: ObjectKey, new: Value?)? {
    switch self {
    case .updated(let key, let value, _): (key, value)
    case .removed(let key, _): (key, nil)
    case .listing, .synced: nil
    }
  }
}
