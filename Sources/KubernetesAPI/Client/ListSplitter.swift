/// Splits a list into its elements while it arrives in pieces of any size. So memory holds one element at a time,
/// whatever the size of the list.
///
/// It finds the array `items` of the outermost object by brackets and strings only. Errors in the JSON are found when
/// the elements and the rest are parsed.
struct ListSplitter {
  /// The list without its elements: `{"kind":…,"metadata":{…},"items":[]}`.
  private(set) var rest: [UInt8] = []
  private var element: [UInt8] = []
  private let limit: Int
  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  private var isInItems = false
  /// The last string of the outermost object.
  private var word: [UInt8] = []
  private var hasElements = false

  /// - Parameter limit: the largest number of bytes of an element, and of the rest.
  init(limit: Int) { self.limit = limit }

  struct TooLong: Error, Hashable {
    let limit: Int
  }

  /// Takes a piece and returns the elements that end in it.
  ///
  /// - Throws: ``TooLong`` if an element or the rest exceeds the limit.
  mutating func append(_ piece: [UInt8]) throws(TooLong) -> [[UInt8]] {
    var elements: [[UInt8]] = []
    var (index, start) = (0, 0)
    while index < piece.count {
      if isInString {
        index = passString(piece, from: index)
        continue
      }
      let byte = piece[index]
      if isInItems, depth == 2, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
        try keep(piece[start..<index])
        start = index + (byte == UInt8(ascii: ",") ? 1 : 0)
        endElement(isLast: byte == UInt8(ascii: "]"), &elements)
      } else if take(byte) {
        // `items` begins after this bracket.
        try keep(piece[start...index])
        start = index + 1
        isInItems = true
      }
      index += 1
    }
    try keep(piece[start...])
    return elements
  }

  /// The index after the string, or after the piece.
  private mutating func passString(_ piece: [UInt8], from start: Int) -> Int {
    var index = start
    while index < piece.count, isInString {
      let byte = piece[index]
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      index += 1
    }
    // Only as many bytes as are needed to compare the name.
    let remaining = Self.items.count + 1 - word.count
    if depth == 1, remaining > 0 { word += piece[start..<(isInString ? index : index - 1)].prefix(remaining) }
    return index
  }

  private static let items = Array("items".utf8)

  /// Returns true for the bracket that opens the array of elements.
  private mutating func take(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      if depth == 1 { word = [] }
    case UInt8(ascii: "{"): depth += 1
    case UInt8(ascii: "["):
      depth += 1
      return depth == 2 && word == Self.items
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    // The next member's name follows.
    case UInt8(ascii: ","): if depth == 1 { word = [] }
    default: break
    }
    return false
  }

  private mutating func endElement(isLast: Bool, _ elements: inout [[UInt8]]) {
    let isBlank = element.allSatisfy { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
    // An empty element between two commas is an error, which is found when the element is parsed.
    if !(isBlank && isLast && !hasElements) { elements.append(element) }
    element = []
    hasElements = true
    guard isLast else { return }
    isInItems = false
    hasElements = false
    depth -= 1
    word = []
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) throws(TooLong) {
    guard (isInItems ? element.count : rest.count) + bytes.count <= limit else { throw TooLong(limit: limit) }
    if isInItems { element += bytes } else { rest += bytes }
  }
}
