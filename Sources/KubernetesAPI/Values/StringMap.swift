package import JSON
internal import StorageModel

/// A map from string to string: labels, annotations, parameters, options.
///
/// An array sorted by key, because an object has few entries and there are many objects. A dictionary takes twice the
/// memory.
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

  /// Whether all entries of the other map are in this one.
  package func contains(_ other: StringMap) -> Bool { other.allSatisfy { self[$0.key] == $0.value } }
}

extension StringMap {
  /// Reads the string members of an object.
  package init(json: inout JSONReader) throws(JSONSyntaxError) { try self.init(json: &json) { _ in true } }

  /// Reads the string members of an object whose keys satisfy `isWanted`.
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
    // Sorted once, because users may write 100,000 annotations.
    self = StringMap(found)
  }

  /// Nil when empty: Kubernetes leaves out empty maps.
  package var json: JSONValue? { isEmpty ? nil : .object(entries.map { .init($0.key, .string($0.value)) }) }
}
