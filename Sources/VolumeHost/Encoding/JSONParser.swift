/// Parses one JSON value as Go's encoding/json does, with the same error texts: they reach users in pod Events.
struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  /// Go's limit is 10,000. Each level takes up to 2 KiB of the caller's stack.
  private static let depthLimit = 1000

  /// Parses a whole text. Only white space may surround the value.
  static func parse(_ text: String) throws(JSONError) -> JSONValue {
    var parser = JSONParser(bytes: Array(text.utf8))
    let value = try parser.value()
    if let byte = parser.next() { throw parser.unexpected(byte, "after top-level value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func value() throws(JSONError) -> JSONValue {
    let byte = try require()
    switch byte {
    case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
    case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(byte)
    default: throw unexpected(byte, "looking for beginning of value")
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONError) -> JSONValue
  ) throws(JSONError) -> JSONValue {
    depth += 1
    guard depth <= Self.depthLimit else { throw JSONError("exceeded max depth") }
    defer { depth -= 1 }
    return try body(&self)
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    var members: [JSONValue.Member] = []
    var byte = try require()
    if byte == UInt8(ascii: "}") { return .object([]) }
    while true {
      guard byte == UInt8(ascii: "\"") else {
        throw unexpected(byte, "looking for beginning of object key string")
      }
      let key = try string()
      byte = try require()
      guard byte == UInt8(ascii: ":") else { throw unexpected(byte, "after object key") }
      members.append(.init(key: key, value: try value()))
      byte = try require()
      if byte == UInt8(ascii: "}") { return .object(members) }
      guard byte == UInt8(ascii: ",") else { throw unexpected(byte, "after object key:value pair") }
      byte = try require()
    }
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    var elements: [JSONValue] = []
    if peek() == UInt8(ascii: "]") {
      position += 1
      return .array([])
    }
    while true {
      elements.append(try value())
      let byte = try require()
      if byte == UInt8(ascii: "]") { return .array(elements) }
      guard byte == UInt8(ascii: ",") else { throw unexpected(byte, "after array element") }
    }
  }

  private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for expected in word.utf8.dropFirst() {
      let byte = try take()
      guard byte == expected else {
        throw unexpected(byte, "in literal \(word) (expecting \(Self.quote(expected)))")
      }
    }
    return value
  }
}

// Strings
extension JSONParser {
  private mutating func string() throws(JSONError) -> String {
    var result: [UInt8] = []
    while true {
      let byte = try take()
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(&result)
      case 0..<0x20: throw unexpected(byte, "in string literal")
      default: result.append(byte)
      }
    }
  }

  private mutating func escape(_ result: inout [UInt8]) throws(JSONError) {
    let byte = try take()
    switch byte {
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0c)
    case UInt8(ascii: "n"): result.append(0x0a)
    case UInt8(ascii: "r"): result.append(0x0d)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "u"): result += Array(String(try scalar()).utf8)
    default: throw unexpected(byte, "in string escape code")
    }
  }

  /// Parses a scalar or a pair of surrogates. A single surrogate becomes U+FFFD.
  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    let mark = position
    guard first < 0xdc00, bytes.dropFirst(position).starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
      return "\u{fffd}"
    }
    position += 2
    let second = try hexadecimal()
    if (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + second - 0xdc00)
    {
      return scalar
    }
    position = mark
    return "\u{fffd}"
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var result: UInt32 = 0
    for _ in 0..<4 {
      let byte = try take()
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected(byte, "in \\u hexadecimal character escape")
      }
      result = result << 4 | UInt32(digit)
    }
    return result
  }
}

// Numbers
extension JSONParser {
  private mutating func number(_ first: UInt8) throws(JSONError) -> JSONValue {
    let start = position - 1
    if first == UInt8(ascii: "-") { try digit("in numeric literal") }
    if bytes[position - 1] != UInt8(ascii: "0") { digits() }
    if current == UInt8(ascii: ".") {
      position += 1
      try digit("after decimal point in numeric literal")
      digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try digit("in exponent of numeric literal")
      digits()
    }
    return .number(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func digit(_ place: String) throws(JSONError) {
    let byte = try take()
    guard Self.isDigit(byte) else { throw unexpected(byte, place) }
  }

  private mutating func digits() {
    while let byte = current, Self.isDigit(byte) { position += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

// Reading
extension JSONParser {
  private static let end = JSONError("unexpected end of JSON input")

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take() throws(JSONError) -> UInt8 {
    guard let byte = current else { throw Self.end }
    position += 1
    return byte
  }

  /// Returns the next byte that is not white space, without consuming it.
  private mutating func peek() -> UInt8? {
    while let byte = current, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    return current
  }

  private mutating func next() -> UInt8? {
    guard let byte = peek() else { return nil }
    position += 1
    return byte
  }

  private mutating func require() throws(JSONError) -> UInt8 {
    guard let byte = next() else { throw Self.end }
    return byte
  }

  private func unexpected(_ byte: UInt8, _ place: String) -> JSONError {
    JSONError("invalid character \(Self.quote(byte)) \(place)")
  }

  /// Quotes a byte as Go does: as the character with that number.
  private static func quote(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "'"): "'\\''"
    case UInt8(ascii: "\\"): "'\\\\'"
    case 0x07: "'\\a'"
    case 0x08: "'\\b'"
    case 0x09: "'\\t'"
    case 0x0a: "'\\n'"
    case 0x0b: "'\\v'"
    case 0x0c: "'\\f'"
    case 0x0d: "'\\r'"
    case 0..<0x20, 0x7f: "'\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) + "'"
    case 0x80...0xa0, 0xad: "'\\u00" + String(byte, radix: 16) + "'"
    default: "'" + String(Unicode.Scalar(byte)) + "'"
    }
  }
}
