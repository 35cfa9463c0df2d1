extension JSONReader {
  /// The next byte that is no white space, not taken.
  mutating func peek() throws(JSONSyntaxError) -> UInt8 {
    skipWhitespace()
    guard position < bytes.count else { throw syntaxError("ends too early") }
    return bytes[position]
  }

  mutating func skipWhitespace() {
    while position < bytes.count, Self.isWhitespace(bytes[position]) { position += 1 }
  }

  private static func isWhitespace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
  }

  func syntaxError(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

  mutating func skipValue() throws(JSONSyntaxError) {
    switch try peek() {
    case UInt8(ascii: "{"), UInt8(ascii: "["): try skipContainer()
    case UInt8(ascii: "\""): _ = try skipString()
    case UInt8(ascii: "t"): try skipWord("true")
    case UInt8(ascii: "f"): try skipWord("false")
    case UInt8(ascii: "n"): try skipWord("null")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
    default: throw syntaxError("expected a value")
    }
  }

  /// By recursion, which ``depthLimit`` bounds in what comes from outside.
  private mutating func skipContainer() throws(JSONSyntaxError) {
    if bytes[position] == UInt8(ascii: "{") {
      guard try beginObject() else { return }
      while try skipKey() { try skip() }
    } else {
      guard try beginArray() else { return }
      while try nextElement() { try skip() }
    }
  }

  private mutating func skipWord(_ word: StaticString) throws(JSONSyntaxError) {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count else { throw syntaxError("ends too early") }
    for index in 0..<length where bytes[position + index] != word.utf8Start[index] {
      throw syntaxError("expected \(word)")
    }
    position += length
  }

  private mutating func skipNumber() throws(JSONSyntaxError) {
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    if at(UInt8(ascii: "0")) { position += 1 } else { try skipDigits() }
    if at(UInt8(ascii: ".")) {
      position += 1
      try skipDigits()
    }
    if at(UInt8(ascii: "e")) || at(UInt8(ascii: "E")) {
      position += 1
      if at(UInt8(ascii: "+")) || at(UInt8(ascii: "-")) { position += 1 }
      try skipDigits()
    }
  }

  private func at(_ byte: UInt8) -> Bool { position < bytes.count && bytes[position] == byte }

  private mutating func skipDigits() throws(JSONSyntaxError) {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
    guard position > start else { throw syntaxError("expected a digit") }
  }

  /// Passes over a string; false when it holds escapes.
  mutating func skipString() throws(JSONSyntaxError) -> Bool {
    var isPlain = true
    position += 1
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return isPlain
      case UInt8(ascii: "\\"):
        isPlain = false
        position += 2
      case 0..<0x20: throw syntaxError("a control character in a string")
      default: position += 1
      }
    }
    throw syntaxError("ends too early")
  }
}
