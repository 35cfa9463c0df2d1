package import JSON
internal import StorageModel

// Bodies as values. The product reads JSON without building values, so only tests have this.
extension JSONValue {
  /// Reads one value, and nothing behind it. Numbers with a fraction are rounded toward zero.
  package init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    var json = JSONReader(bytes)
    self = try Self.read(&json)
    try json.end()
  }

  private static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> JSONValue {
    // What is of another type is passed over by the reader: each type is tried on a copy.
    var copy = json
    if try copy.beginObject() {
      var members: [Member] = []
      while let key = try copy.nextKey() { members.append(Member(key, try read(&copy))) }
      json = copy
      return .object(members)
    }
    copy = json
    if try copy.beginArray() {
      var elements: [JSONValue] = []
      while try copy.nextElement() { elements.append(try read(&copy)) }
      json = copy
      return .array(elements)
    }
    return try scalar(&json)
  }

  private static func scalar(_ json: inout JSONReader) throws(JSONSyntaxError) -> JSONValue {
    var copy = json
    if let text = try copy.string() {
      json = copy
      return .string(text)
    }
    copy = json
    if let value = try copy.bool() {
      json = copy
      return .bool(value)
    }
    copy = json
    if let digits = try copy.number() {
      json = copy
      return .number(Int64(digits) ?? Int64(Double(digits) ?? 0))
    }
    try json.skip()
    return .null
  }

  /// A member, also of members; nil where there is none.
  package subscript(path: String...) -> JSONValue? { self[path] }

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
