/// Reads JSON member by member from bytes, without building a tree: what nobody asks for costs no memory.
///
/// Lenient about types, since a field of an unexpected type must not fail a list: a value of another type than asked
/// for is passed over and read as nil. Only text that is no JSON throws; after that the reader is of no use.
///
///     guard try json.beginObject() else { return }
///     while let key = try json.nextKey() {
///       switch key {
///       case "name": name = try json.string() ?? ""
///       default: break  // values that are not read are passed over
///       }
///     }
package struct JSONReader {
  let bytes: [UInt8]
  var position: Int
  /// A key has been read, its value has not.
  private var owesValue = false
  /// Just behind an opening brace or bracket.
  private var isFirst = false
  var depth = 0
  /// Whether half a character is an error, see ``init(strict:)``.
  var isStrict = false
  private let cache: DecodingCache?

  /// Reads `bytes` from `start`. Values that recur share memory through the cache, if one is given.
  package init(_ bytes: [UInt8], from start: Int = 0, cache: DecodingCache? = nil) {
    self.bytes = bytes
    position = start
    self.cache = cache
  }

  /// No API object comes near; passing over a value recurses, on threads with small stacks.
  static let depthLimit = 256
}

extension JSONReader {
  /// Enters an object; false, and nothing entered, when the value is another.
  package mutating func beginObject() throws(JSONSyntaxError) -> Bool { try begin(UInt8(ascii: "{")) }

  /// The next member's key, or nil when the object has ended. A value that was not read is passed over first.
  package mutating func nextKey() throws(JSONSyntaxError) -> String? {
    guard try atKey() else { return nil }
    let key = try text()
    try colon()
    return key
  }

  /// Passes over the next key; false when the object has ended.
  mutating func skipKey() throws(JSONSyntaxError) -> Bool {
    guard try atKey() else { return false }
    _ = try skipString()
    try colon()
    return true
  }

  private mutating func atKey() throws(JSONSyntaxError) -> Bool {
    guard try next(end: UInt8(ascii: "}")) else { return false }
    guard try peek() == UInt8(ascii: "\"") else { throw syntaxError("expected a member's name") }
    return true
  }

  private mutating func colon() throws(JSONSyntaxError) {
    guard try peek() == UInt8(ascii: ":") else { throw syntaxError("expected ':'") }
    position += 1
    owesValue = true
  }

  /// Enters an array; false, and nothing entered, when the value is another.
  package mutating func beginArray() throws(JSONSyntaxError) -> Bool { try begin(UInt8(ascii: "[")) }

  /// Whether there is another element, which is to be read next, or else passed over.
  package mutating func nextElement() throws(JSONSyntaxError) -> Bool {
    guard try next(end: UInt8(ascii: "]")) else { return false }
    owesValue = true
    return true
  }

  /// Passes over the next value, whatever it is.
  package mutating func skip() throws(JSONSyntaxError) {
    owesValue = false
    try skipValue()
  }

  /// Ends reading: throws when anything but white space is left.
  package mutating func end() throws(JSONSyntaxError) {
    skipWhitespace()
    guard position == bytes.count else { throw syntaxError("text behind the value") }
  }

  private mutating func begin(_ opening: UInt8) throws(JSONSyntaxError) -> Bool {
    owesValue = false
    guard try peek() == opening else {
      try skipValue()
      return false
    }
    position += 1
    depth += 1
    guard depth <= Self.depthLimit else { throw syntaxError("nested too deeply") }
    isFirst = true
    return true
  }

  private mutating func next(end: UInt8) throws(JSONSyntaxError) -> Bool {
    if owesValue { try skip() }
    var byte = try peek()
    if byte == end {
      position += 1
      depth -= 1
      isFirst = false
      return false
    }
    if !isFirst {
      guard byte == UInt8(ascii: ",") else { throw syntaxError("expected ',' or the end") }
      position += 1
      byte = try peek()
    }
    isFirst = false
    return true
  }
}

extension JSONReader {
  /// The next value if it is a string.
  package mutating func string() throws(JSONSyntaxError) -> String? {
    owesValue = false
    guard try peek() == UInt8(ascii: "\"") else {
      try skipValue()
      return nil
    }
    return try text()
  }

  /// The next value if it is true or false.
  package mutating func bool() throws(JSONSyntaxError) -> Bool? {
    owesValue = false
    let byte = try peek()
    try skipValue()
    return byte == UInt8(ascii: "t") ? true : byte == UInt8(ascii: "f") ? false : nil
  }

  /// The next value if it is a whole number that 64 bits hold.
  package mutating func integer() throws(JSONSyntaxError) -> Int64? {
    guard let text = try number() else { return nil }
    return Int64(text)
  }

  /// The next value as it is written, if it is a number.
  package mutating func number() throws(JSONSyntaxError) -> String? {
    owesValue = false
    let byte = try peek()
    let start = position
    try skipValue()
    guard byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Whether the next value is null; then it has been read, and otherwise not.
  package mutating func null() throws(JSONSyntaxError) -> Bool {
    guard try peek() == UInt8(ascii: "n") else { return false }
    try skip()
    return true
  }

  /// The strings of an array; empty for another value, without elements that are no strings.
  package mutating func strings() throws(JSONSyntaxError) -> [String] {
    try shared { json throws(JSONSyntaxError) in
      guard try json.beginArray() else { return [] }
      var result: [String] = []
      while try json.nextElement() {
        if let element = try json.string() { result.append(element) }
      }
      return result
    }
  }

  /// The next value as `read` reads it; one whose text has been seen lately is shared and not read again.
  package mutating func shared<Value: Sendable>(
    _ read: (inout JSONReader) throws(JSONSyntaxError) -> Value
  ) throws(JSONSyntaxError) -> Value {
    guard let cache else { return try read(&self) }
    skipWhitespace()
    var copy = self
    try skip()
    return try cache.value(bytes, copy.position..<position) { () throws(JSONSyntaxError) in try read(&copy) }
  }

  /// A string, shared when it has been seen before.
  private mutating func text() throws(JSONSyntaxError) -> String {
    let start = position + 1
    let isPlain = try skipString()
    guard isPlain else { return try unescaped(start..<(position - 1)) }
    return cache?.string(bytes, start..<(position - 1))
      ?? String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
  }
}
