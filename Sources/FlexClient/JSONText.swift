/// A buffer for JSON text that is being written.
struct JSONText {
  /// The text written so far.
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  /// Appends text unchanged: punctuation, or an object known to be well formed.
  mutating func append(raw text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends a JSON string. Returns false if `text` is not well-formed UTF-8; the buffer is then incomplete.
  ///
  /// Escapes only what JSON requires. All other bytes are unchanged.
  mutating func append(string text: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.append(quote)
    var runStart = 0
    var index = 0
    while index < text.count {
      guard let length = utf8SequenceLength(text, at: index) else { return false }
      if mustEscape(text[index]) {
        bytes.append(contentsOf: text[runStart..<index])
        appendEscape(of: text[index])
        runStart = index + 1
      }
      index += length
    }
    bytes.append(contentsOf: text[runStart..<index])
    bytes.append(quote)
    return true
  }

  private func mustEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == quote || byte == backslash }

  private mutating func appendEscape(of byte: UInt8) {
    bytes.append(backslash)
    switch byte {
    case quote, backslash: bytes.append(byte)
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    default:
      append(raw: "u00")
      bytes.append(hexDigit(byte >> 4))
      bytes.append(hexDigit(byte & 0xF))
    }
  }

  private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

let quote = UInt8(ascii: "\"")
let backslash = UInt8(ascii: "\\")
let newline = UInt8(ascii: "\n")
