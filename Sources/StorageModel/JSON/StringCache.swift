/// The strings seen lately, so that those which recur in a list (keys, drivers, classes, nodes) exist once.
///
/// A fixed number of places, each for the last string whose hash falls there: memory is bounded, and a miss costs only
/// a string of its own. For one reader at a time.
package final class StringCache {
  private var places: [String]

  /// A cache with 2 to the `power` places of 16 bytes.
  package init(power: Int = 10) { places = Array(repeating: "", count: 1 << power) }

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
