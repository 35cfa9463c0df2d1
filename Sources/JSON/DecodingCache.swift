/// The values seen lately, so that those which recur in a list (keys, drivers, classes, nodes; whole maps of labels and
/// whole lists of finalizers) exist once and not in each object: that halves the memory that volumes and claims take.
///
/// A fixed number of places, each for the last value whose hash falls there: memory is bounded, and a miss costs only
/// a value of its own. For one reader at a time.
package final class DecodingCache {
  private var places: [String]
  private var values: [Text?]

  /// A value and the text that it was read from.
  private struct Text {
    let text: [UInt8]
    let value: any Sendable
  }

  /// A cache with 2 to the `power` places for strings, and half as many for other values.
  package init(power: Int = 10) {
    places = Array(repeating: "", count: 1 << power)
    values = Array(repeating: nil, count: 1 << (power - 1))
  }

  /// What a place for a value holds at most in bytes of text; longer ones are rarely seen twice.
  private static let valueLength = 512

  /// The value that was read from the same text before, or else the one that `read` makes.
  func value<Value: Sendable>(
    _ bytes: [UInt8], _ range: Range<Int>, _ read: () throws(JSONSyntaxError) -> Value
  ) throws(JSONSyntaxError) -> Value {
    guard range.count <= Self.valueLength else { return try read() }
    let index = Self.hash(bytes, range) & (values.count - 1)
    if let known = values[index], known.text.elementsEqual(bytes[range]), let value = known.value as? Value {
      return value
    }
    let value = try read()
    // A copy: a slice would keep the whole page.
    values[index] = Text(text: Array(bytes[range]), value: value)
    return value
  }

  /// Shorter ones are held in place by `String` itself, longer ones are rarely seen twice.
  private static let lengths = 16...128

  func string(_ bytes: [UInt8], _ range: Range<Int>) -> String {
    guard Self.lengths.contains(range.count) else { return String(decoding: bytes[range], as: UTF8.self) }
    let index = Self.hash(bytes, range) & (places.count - 1)
    if places[index].utf8.elementsEqual(bytes[range]) { return places[index] }
    let string = String(decoding: bytes[range], as: UTF8.self)
    places[index] = string
    return string
  }

  /// FNV-1a.
  private static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash >> 20)
  }
}
