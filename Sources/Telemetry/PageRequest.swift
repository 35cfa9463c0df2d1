/// A request for a page: the path of a `GET`. Nothing else of the request is read.
package struct PageRequest: Hashable, Sendable {
  /// The path as in the request. Visible ASCII only.
  package let path: String

  /// Parses the head of a request. Nil unless the first line is `GET`, a path and a version with one space between them
  /// (RFC 9112, section 3). Compares bytes, because to Swift a space and a combining accent are one character.
  package init?(head: some Collection<UInt8>) {
    let line = head.prefix { $0 != 0x0D && $0 != 0x0A }
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, words[0].elementsEqual("GET".utf8), words[2].starts(with: "HTTP/".utf8),
      !words[1].isEmpty, words[1].allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    path = String(decoding: words[1], as: UTF8.self)
  }
}
