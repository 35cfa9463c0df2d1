/// The bytes of a superblock whose numbers are little-endian.
struct Superblock {
  private(set) var bytes: [UInt8]
  /// The device or file, for errors.
  let path: String

  init(_ bytes: [UInt8], of path: String) {
    self.bytes = bytes
    self.path = path
  }

  func number<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type = Number.self) -> Number {
    bytes[offset..<offset + Number.bitWidth / 8].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  mutating func set<Number: FixedWidthInteger>(_ offset: Int, to number: Number) {
    for index in 0..<Number.bitWidth / 8 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: number >> Number(8 * index))
    }
  }

  mutating func set(_ offset: Int, to replacement: [UInt8]) {
    bytes.replaceSubrange(offset..<offset + replacement.count, with: replacement)
  }

  /// Sets a field of fixed size to a text, with zeros behind it.
  mutating func set(_ offset: Int, size: Int, toText text: String) {
    let characters = Array(text.utf8.prefix(size - 1))
    set(offset, to: characters + [UInt8](repeating: 0, count: size - characters.count))
  }

  /// - Throws: `operation` with the number, if the condition does not hold.
  func require(_ condition: Bool, _ operation: String, _ errno: Errno) throws(SystemError) {
    guard condition else { throw SystemError(operation: operation, subject: path, errno: errno) }
  }
}

/// The 16 bytes of a UUID that is written with hyphens; nil if it is none.
func uuidBytes(_ text: String) -> [UInt8]? {
  let digits = Array(text.filter { $0 != "-" })
  guard digits.count == 32 else { return nil }
  let bytes = stride(from: 0, to: 32, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
  return bytes.count == 16 ? bytes : nil
}
