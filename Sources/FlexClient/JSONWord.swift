/// A scanned JSON value that is compared with a word. Escapes are resolved, because `"\u0073tatus"` is `status` to the
/// kubelet.
struct JSONWord {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let range: Range<Int>

  /// `range` is a value that `JSONScanner` accepted. A value that is no string equals no word.
  init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    self.bytes = bytes
    self.range = range
  }

  /// Returns whether the value is the string `word`, which is ASCII. With `foldingCase`, folds letters as Go's JSON
  /// decoder folds keys.
  func equals(_ word: StaticString, foldingCase: Bool = false) -> Bool {
    guard bytes[range.lowerBound] == quote else { return false }
    var position = range.lowerBound + 1
    for index in 0..<word.utf8CodeUnitCount {
      guard position < range.upperBound - 1 else { return false }
      let unit = codeUnit(&position)
      let wanted = UInt32(word.utf8Start[index])
      if unit != wanted && !(foldingCase && folded(unit) == wanted) { return false }
    }
    return position == range.upperBound - 1
  }

  /// Returns the UTF-16 code unit or byte at the position and moves the position past it.
  ///
  /// Bytes above 0x7F return 0x10000 and more, except for the long s (C5 BF). So they equal no ASCII character.
  private func codeUnit(_ position: inout Int) -> UInt32 {
    let byte = bytes[position]
    position += 1
    if byte == backslash { return escapedUnit(&position) }
    if byte == 0xC5 && bytes[position] == 0xBF {
      position += 1
      return longS
    }
    return byte < 0x80 ? UInt32(byte) : 0x10000 + UInt32(byte)
  }

  private func escapedUnit(_ position: inout Int) -> UInt32 {
    let kind = bytes[position]
    position += 1
    if kind == UInt8(ascii: "u") {
      var unit: UInt32 = 0
      for _ in 0..<4 {
        unit = unit << 4 | (hexValue(bytes[position]) ?? 0)
        position += 1
      }
      return unit
    }
    // The words contain no control characters, so \n, \t and the like need no value.
    return kind == quote || kind == backslash || kind == UInt8(ascii: "/") ? UInt32(kind) : 0
  }

  /// Folds to lower case, and the long s to s. No other folding affects the letters of `status`.
  private func folded(_ unit: UInt32) -> UInt32 {
    if unit == longS { return UInt32(UInt8(ascii: "s")) }
    return unit >= 0x41 && unit <= 0x5A ? unit + 0x20 : unit
  }
}

/// U+017F LATIN SMALL LETTER LONG S. Go's JSON decoder folds it to s.
private let longS: UInt32 = 0x17F
