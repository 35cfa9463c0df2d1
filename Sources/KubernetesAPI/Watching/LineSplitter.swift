/// Splits a stream of pieces of any size into lines.
struct LineSplitter {
  private var rest: [UInt8] = []
  private let limit: Int

  /// - Parameter limit: the largest number of bytes without a line break.
  init(limit: Int) { self.limit = limit }

  struct TooLong: Error, Hashable {
    let limit: Int
  }

  /// Takes a piece and returns the lines that end in it, without their line breaks and without empty ones.
  ///
  /// - Throws: ``TooLong``.
  mutating func append(_ piece: [UInt8]) throws(TooLong) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = 0
    while let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
      guard rest.count + end - start <= limit else { throw TooLong(limit: limit) }
      let line = rest.isEmpty ? Array(piece[start..<end]) : rest + piece[start..<end]
      rest = []
      if !line.isEmpty { lines.append(line) }
      start = end + 1
    }
    rest += piece[start...]
    guard rest.count <= limit else { throw TooLong(limit: limit) }
    return lines
  }
}
