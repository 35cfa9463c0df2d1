// Values that are read whole: templates that are passed on without being understood, and bodies in tests. Everything else is
// read member by member (``JSONReader``).
extension JSONReader {
  /// Reads the next value, whatever it is, with all that is in it.
  package mutating func value() throws(JSONSyntaxError) -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"):
      var members: [JSONValue.Member] = []
      guard try beginObject() else { return .null }
      while let key = try nextKey() { members.append(.init(key, try value())) }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      guard try beginArray() else { return .null }
      while try nextElement() { elements.append(try value()) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string() ?? "")
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try bool() ?? false)
    case UInt8(ascii: "n"):
      try skip()
      return .null
    default:
      guard let digits = try number() else { return .null }
      return Int64(digits).map { .number($0) } ?? .decimal(Double(digits) ?? 0)
    }
  }
}

extension JSONValue {
  /// Reads one value, and nothing behind it.
  package init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    var json = JSONReader(bytes)
    self = try json.value()
    try json.end()
  }

  /// A member, also of members; nil where there is none.
  package subscript(path: String...) -> JSONValue? { self[path] }

  /// The same; setting it creates the objects on the way, and nil removes the member.
  package subscript(path: [String]) -> JSONValue? {
    get {
      path.reduce(self as JSONValue?) { value, key in value?.members?.last { $0.key == key }?.value }
    }
    set {
      guard let key = path.first else { return self = newValue ?? .null }
      var members = self.members ?? []
      let index = members.firstIndex { $0.key == key }
      var child: JSONValue? = index.map { members[$0].value }
      if path.count == 1 {
        child = newValue
      } else if child != nil || newValue != nil {
        child = child ?? .object([])
        child?[Array(path.dropFirst())] = newValue
      }
      if let index { members.remove(at: index) }
      if let child { members.insert(Member(key, child), at: index ?? members.count) }
      self = .object(members)
    }
  }

  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var number: Int64? { if case .number(let number) = self { number } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// Whether it is the other value, whatever the order of members.
  package func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.array(let elements), .array(let others)):
      elements.count == others.count && zip(elements, others).allSatisfy { $0.isSame(as: $1) }
    case (.object(let members), .object(let others)):
      members.count == others.count
        && members.allSatisfy { member in
          others.first { $0.key == member.key }.map { member.value.isSame(as: $0.value) } ?? false
        }
    default: self == other
    }
  }
}

/// Any value, kept as it is.
extension JSONValue: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> JSONValue? { try json.value() }
  package var written: JSONValue? { self }
}
