/// A syntax error: what was expected, and at which offset in bytes.
struct JSONFault: Error {
  var offset: Int
  var expected: String
}

/// A strict, validating scanner for JSON (RFC 8259). It keeps no values and reports positions only.
///
/// It accepts no comments, trailing commas or bare words. Strings must be well-formed UTF-8 without raw control
/// characters. Nesting is limited to `depthLimit`. A lone surrogate escape is accepted, as in the kubelet's Go decoder.
struct JSONScanner {
  /// The most nested objects and arrays. A flex reply has two.
  static let depthLimit = 64

  let bytes: UnsafeBufferPointer<UInt8>
  /// The offset of the next byte.
  private(set) var position: Int

  /// Starts at `position`. The bytes must outlive the scanner.
  init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  /// The byte at the position. Nil at the end.
  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Skips JSON white space.
  mutating func skipWhitespace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  /// Scans one object. Calls `visit` with the ranges of each member's key (with its quotes) and value.
  mutating func scanObject(
    depth: Int = 1, visit: (_ key: Range<Int>, _ value: Range<Int>) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    try require(UInt8(ascii: "{"), "an object")
    if try openedEmpty(depth, closing: UInt8(ascii: "}")) { return }
    while true {
      skipWhitespace()
      let key = try scanString()
      skipWhitespace()
      try require(UInt8(ascii: ":"), "a colon")
      skipWhitespace()
      let start = position
      try scanValue(depth: depth)
      try visit(key, start..<position)
      if try closed(by: UInt8(ascii: "}"), "a comma or the end of the object") { return }
    }
  }

  /// Scans one string and returns its range, including the quotes.
  mutating func scanString() throws(JSONFault) -> Range<Int> {
    let start = position
    try require(quote, "a string")
    while let byte = next {
      switch byte {
      case quote:
        position += 1
        return start..<position
      case backslash: try scanEscape()
      case 0..<0x20: throw fault("an escape instead of a control character")
      default:
        guard let length = utf8SequenceLength(bytes, at: position) else { throw fault("well-formed UTF-8") }
        position += length
      }
    }
    throw fault("the end of the string")
  }

  private mutating func scanArray(depth: Int) throws(JSONFault) {
    try require(UInt8(ascii: "["), "an array")
    if try openedEmpty(depth, closing: UInt8(ascii: "]")) { return }
    while true {
      skipWhitespace()
      try scanValue(depth: depth)
      if try closed(by: UInt8(ascii: "]"), "a comma or the end of the array") { return }
    }
  }

  /// Scans one value of a container at `depth`.
  private mutating func scanValue(depth: Int) throws(JSONFault) {
    switch next {
    case UInt8(ascii: "{"): try scanObject(depth: depth + 1) { (_, _) throws(JSONFault) in }
    case UInt8(ascii: "["): try scanArray(depth: depth + 1)
    case quote: _ = try scanString()
    case UInt8(ascii: "t"): try scanWord("true")
    case UInt8(ascii: "f"): try scanWord("false")
    case UInt8(ascii: "n"): try scanWord("null")
    default: try scanNumber()
    }
  }

  /// Rejects a container that is nested too deep. If the container is empty, skips its end and returns true.
  private mutating func openedEmpty(_ depth: Int, closing: UInt8) throws(JSONFault) -> Bool {
    if depth > Self.depthLimit { throw fault("at most \(Self.depthLimit) nested levels") }
    skipWhitespace()
    if next != closing { return false }
    position += 1
    return true
  }

  /// Skips a comma and returns false, or skips the closing bracket and returns true.
  private mutating func closed(by closing: UInt8, _ expected: String) throws(JSONFault) -> Bool {
    skipWhitespace()
    guard let byte = next, byte == closing || byte == UInt8(ascii: ",") else { throw fault(expected) }
    position += 1
    return byte == closing
  }

  private mutating func scanEscape() throws(JSONFault) {
    position += 1
    guard let byte = next else { throw fault("an escaped character") }
    switch byte {
    case quote, backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
      UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "u"):
      position += 1
      for _ in 0..<4 {
        guard let digit = next, hexValue(digit) != nil else { throw fault("four hexadecimal digits") }
        position += 1
      }
    default: throw fault("a valid escape")
    }
  }

  private mutating func scanWord(_ word: StaticString) throws(JSONFault) {
    for index in 0..<word.utf8CodeUnitCount {
      if next != word.utf8Start[index] { throw fault("a value") }
      position += 1
    }
  }

  private mutating func scanNumber() throws(JSONFault) {
    let signed = skip(UInt8(ascii: "-"))
    if !skip(UInt8(ascii: "0")) { try scanDigits(signed ? "a digit" : "a value") }
    if skip(UInt8(ascii: ".")) { try scanDigits("a digit") }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
      try scanDigits("a digit")
    }
  }

  private mutating func scanDigits(_ expected: String) throws(JSONFault) {
    let start = position
    while let byte = next, isDigit(byte) { position += 1 }
    if position == start { throw fault(expected) }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    if next != byte { return false }
    position += 1
    return true
  }

  private mutating func require(_ byte: UInt8, _ expected: String) throws(JSONFault) {
    if !skip(byte) { throw fault(expected) }
  }

  private func fault(_ expected: String) -> JSONFault { JSONFault(offset: position, expected: expected) }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// Returns the value of a hexadecimal digit. Nil for any other byte.
func hexValue(_ byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
  default: nil
  }
}
