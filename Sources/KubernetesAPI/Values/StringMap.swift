package import JSON
internal import StorageModel

/// Labels, annotations, parameters, options: strings by string.
///
/// An array sorted by key, since there are few in an object and many objects: a dictionary takes twice the memory.
package struct StringMap: Hashable, Sendable {
  private var entries: [Entry] = []

  private struct Entry: Hashable, Sendable {
    let key: String
    var value: String
  }

  /// An empty map.
  package init() {}

  /// The entries of a dictionary.
  package init(_ dictionary: [String: String]) {
    entries = dictionary.map { Entry(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
  }

  /// The value of a key; setting nil removes it.
  package subscript(key: String) -> String? {
    get { entries.first { $0.key == key }?.value }
    set {
      let index = entries.firstIndex { $0.key >= key } ?? entries.count
      let isPresent = index < entries.count && entries[index].key == key
      switch (isPresent, newValue) {
      case (true, let value?): entries[index].value = value
      case (true, nil): entries.remove(at: index)
      case (false, let value?): entries.insert(Entry(key: key, value: value), at: index)
      case (false, nil): break
      }
    }
  }
}

extension StringMap: Sequence, ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, String)...) {
    for (key, value) in elements { self[key] = value }
  }

  package func makeIterator() -> some IteratorProtocol<(key: String, value: String)> {
    entries.lazy.map { (key: $0.key, value: $0.value) }.makeIterator()
  }

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }
  package var keys: [String] { entries.map(\.key) }
  package var dictionary: [String: String] { Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value) }) }

  /// Whether every entry of the other is here too.
  package func contains(_ other: StringMap) -> Bool { other.allSatisfy { self[$0.key] == $0.value } }
}

extension StringMap {
  /// The string members of an object.
  package init(json: inout JSONReader) throws(JSONSyntaxError) { try self.init(json: &json) { _ in true } }

  /// The string members of an object, without those that `isWanted` refuses.
  init(
    json: inout JSONReader, where isWanted: (String) -> Bool
  ) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    var found: [String: String] = [:]
    while let key = try json.nextKey() {
      guard isWanted(key), let value = try json.string() else { continue }
      found[key] = value
    }
    // At once: users write annotations, 100,000 of them if they like.
    self = StringMap(found)
  }

  /// Nil when empty, as Kubernetes leaves out what is empty.
  package var json: JSONValue? { isEmpty ? nil : .object(entries.map { .init($0.key, .string($0.value)) }) }
}
