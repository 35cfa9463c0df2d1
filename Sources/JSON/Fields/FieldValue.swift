/// A value of a ``Field``.
package protocol FieldValue: Sendable {
  /// Reads the next value; nil for one of another type, which is passed over.
  static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Self?
  /// Nil leaves the member out.
  var written: JSONValue? { get }
}

extension String: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> String? { try json.string() }
  package var written: JSONValue? { .string(self) }
}

extension Bool: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Bool? { try json.bool() }
  package var written: JSONValue? { .bool(self) }
}

extension Int64: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Int64? { try json.integer() }
  package var written: JSONValue? { .number(self) }
}

extension Int: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Int? {
    try json.integer().map(Int.init(clamping:))
  }
  package var written: JSONValue? { .number(Int64(self)) }
}

/// A number below zero is read as zero, and JSON holds no more than 63 bits.
extension UInt64: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> UInt64? {
    try json.integer().map(UInt64.init(clamping:))
  }
  package var written: JSONValue? { .number(Int64(clamping: self)) }
}

/// Left out when it is infinite or no number, which JSON has no word for.
extension Double: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Double? {
    try json.number().flatMap(Double.init)
  }
  package var written: JSONValue? { isFinite ? .decimal(self) : nil }
}

/// Left out when nil.
extension Optional: FieldValue where Wrapped: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Wrapped?? {
    try Wrapped.read(&json).map { .some($0) }
  }
  package var written: JSONValue? { flatMap(\.written) }
}

/// Elements that cannot be understood are passed over.
extension Array: FieldValue where Element: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> [Element]? {
    guard try json.beginArray() else { return nil }
    var elements: [Element] = []
    while try json.nextElement() {
      if let element = try Element.read(&json) { elements.append(element) }
    }
    return elements
  }
  package var written: JSONValue? { .array(compactMap(\.written)) }
}

/// A word that is not known counts as missing.
extension FieldValue where Self: RawRepresentable<String> {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Self? {
    try json.string().flatMap(Self.init)
  }
  package var written: JSONValue? { .string(rawValue) }
}
