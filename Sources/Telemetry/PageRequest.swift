/// A request for a page, as far as it is read: the path of a `GET`.
package struct PageRequest: Hashable, Sendable {
  /// As it stands in the request: visible ASCII.
  package let path: String

  /// The request whose head this is. Nil unless its first line is `GET`, a path and a version with one space between them
  /// (RFC 9112, section 3). Bytes are compared, not characters: to Swift a space and an accent are one character.
  package init?(head: some Collection<UInt8>) {
    let line = head.prefix { $0 != 0x0D && $0 != 0x0A }
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, words[0].elementsEqual("GET".utf8), words[2].starts(with: "HTTP/".utf8),
      !words[1].isEmpty, words[1].allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    path = String(decoding: words[1], as: UTF8.self)
  }
}
