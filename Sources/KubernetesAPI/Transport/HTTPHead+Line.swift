extension HTTPHead {
  /// A line of the head of a reply (RFC 9112, sections 4 and 5).
  enum Line: Equatable {
    case status(Int)
    /// A field; its name is in lower case.
    case field(String, String)
    case end
    case other

    init(_ text: String) {
      let line = text.filter { !$0.isNewline }
      if line.isEmpty {
        self = .end
      } else if line.hasPrefix("HTTP/") {
        let words = line.split(separator: " ")
        self = words.count > 1 ? Int(words[1]).map { .status($0) } ?? .other : .other
      } else if let colon = line.firstIndex(of: ":") {
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        self = .field(line[..<colon].lowercased(), String(value))
      } else {
        self = .other
      }
    }
  }
}
