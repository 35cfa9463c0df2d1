import JSON
import Glibc
import StorageModel

/// A client's connection to the stand-in for the API server. HTTP/1.1, one request after another.
struct HTTPPeer: Sendable {
  let number: Int32

  struct Request: Sendable {
    let method: String
    /// Without the query.
    let path: [Substring]
    let query: [String: String]
    let body: [UInt8]
  }

  /// Reads the next request; nil when the client has disconnected.
  func receive() -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      if let request = Self.parse(bytes) { return request }
      let count = recv(number, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      bytes += buffer[..<count]
    }
  }

  private static func parse(_ bytes: [UInt8]) -> Request? {
    let end = Array("\r\n\r\n".utf8)
    guard let range = bytes.firstRange(of: end) else { return nil }
    let lines = String(decoding: bytes[..<range.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let length = lines.lazy.map { $0.lowercased() }.first { $0.hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) }
    let body = Array(bytes[range.upperBound...])
    let words = lines.first?.split(separator: " ") ?? []
    guard body.count >= length ?? 0, words.count == 3 else { return nil }
    let parts = words[1].split(separator: "?", maxSplits: 1)
    return Request(
      method: String(words[0]), path: parts[0].split(separator: "/"), query: query(parts.count > 1 ? parts[1] : ""),
      body: body)
  }

  private static func query(_ text: Substring) -> [String: String] {
    var result: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[unescaped(parts[0])] = parts.count > 1 ? unescaped(parts[1]) : ""
    }
    return result
  }

  /// Percent-decoding, RFC 3986.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: answering

  /// Returns false when the client has disconnected.
  @discardableResult
  func reply(_ status: Int, _ body: JSONValue) -> Bool { reply(status, body.encoded) }

  @discardableResult
  func reply(_ status: Int, _ body: [UInt8]) -> Bool {
    let head = "HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
    return send(Array(head.utf8) + body)
  }

  func beginChunks() -> Bool {
    send(Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
  }

  func chunk(_ bytes: [UInt8]) -> Bool {
    send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
  }

  private func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Whether the client disconnects or sends more within this time.
  func stirs(withinMilliseconds limit: Int32) -> Bool {
    var question = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&question, 1, limit) > 0
  }
}
