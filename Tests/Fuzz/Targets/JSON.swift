@testable internal import JSON

extension FuzzTarget {
  /// The reader of JSON: what the client's strict scanner accepts it accepts, and what it reads is written as the same.
  static let json = FuzzTarget("json") { bytes throws(Violation) in
    let isStrict = bytes.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      scanner.skipWhitespace()
      guard (try? scanner.scanObject { (_, _) throws(JSONFault) in }) != nil else { return false }
      scanner.skipWhitespace()
      return scanner.next == nil
    }
    let value: JSONValue
    do throws(JSONSyntaxError) {
      try skipped(bytes)
      value = try whole(bytes)
    } catch {
      try hold((0...(bytes.count + 1)).contains(error.offset), "offset \(error.offset) of \(bytes.count) bytes")
      return try hold(!isStrict, "refused, and it is JSON: \(error)")
    }
    let written = value.encoded
    let again = try mustSucceed("reading \(String(decoding: written, as: UTF8.self))") { try whole(written) }
    try hold(again == value && again.encoded == written, "\(value) becomes \(again)")
  }

  private static func whole(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    var json = JSONReader(bytes, cache: DecodingCache(power: 2))
    let value = try JSONValue(json: &json)
    try json.end()
    return value
  }

  private static func skipped(_ bytes: [UInt8]) throws(JSONSyntaxError) {
    var json = JSONReader(bytes)
    try json.skip()
    try json.end()
  }
}

extension JSONValue {
  /// All of the value that comes next; a number that is not whole is left out as null.
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    switch try json.peek() {
    case UInt8(ascii: "{"):
      var members: [Member] = []
      guard try json.beginObject() else { throw json.syntaxError("no object") }
      while let key = try json.nextKey() { members.append(Member(key, try JSONValue(json: &json))) }
      self = .object(members)
    case UInt8(ascii: "["): self = .array(try Self.elements(&json))
    case UInt8(ascii: "\""): self = .string(try json.string() ?? "no string")
    case UInt8(ascii: "t"), UInt8(ascii: "f"):
      guard let flag = try json.bool() else { throw json.syntaxError("no flag") }
      self = .bool(flag)
    default: self = try json.integer().map { .number($0) } ?? .null
    }
  }

  private static func elements(_ json: inout JSONReader) throws(JSONSyntaxError) -> [JSONValue] {
    guard try json.beginArray() else { throw json.syntaxError("no array") }
    var elements: [JSONValue] = []
    while try json.nextElement() { elements.append(try JSONValue(json: &json)) }
    return elements
  }
}
