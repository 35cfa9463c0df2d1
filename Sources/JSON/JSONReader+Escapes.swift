extension JSONReader {
  /// The text of a string with escapes. Half a pair of surrogates becomes U+FFFD, as invalid UTF-8 does, unless that is an
  /// error.
  func unescaped(_ range: Range<Int>) throws(JSONSyntaxError) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      index += 1
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      let escape = bytes[index]
      index += 1
      if escape == UInt8(ascii: "u") {
        result += Array(String(try scalar(&index, range.upperBound)).utf8)
      } else if let character = Self.character(escape) {
        result.append(character)
      } else {
        throw JSONSyntaxError(offset: index - 1, reason: "an unknown escape")
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func character(_ escape: UInt8) -> UInt8? {
    switch escape {
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0c
    case UInt8(ascii: "n"): 0x0a
    case UInt8(ascii: "r"): 0x0d
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): escape
    default: nil
    }
  }

  private func scalar(_ index: inout Int, _ end: Int) throws(JSONSyntaxError) -> Unicode.Scalar {
    let first = try hexadecimal(&index, end)
    if let scalar = Unicode.Scalar(first) { return scalar }
    var mark = index
    guard first < 0xdc00, index + 6 <= end, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
    else { return try replacement(index) }
    mark += 2
    let second = try hexadecimal(&mark, end)
    guard (0xdc00...0xdfff).contains(second) else { return try replacement(index) }
    index = mark
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + second - 0xdc00) ?? "\u{fffd}"
  }

  private func replacement(_ index: Int) throws(JSONSyntaxError) -> Unicode.Scalar {
    guard isStrict else { return "\u{fffd}" }
    throw JSONSyntaxError(offset: index, reason: "half a pair of surrogates")
  }

  private func hexadecimal(_ index: inout Int, _ end: Int) throws(JSONSyntaxError) -> UInt32 {
    var result: UInt32 = 0
    for _ in 0..<4 {
      guard index < end, let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
        throw JSONSyntaxError(offset: index, reason: "expected four hexadecimal digits")
      }
      result = result << 4 | UInt32(digit)
      index += 1
    }
    return result
  }
}
