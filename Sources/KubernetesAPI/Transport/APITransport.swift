/// How requests reach the API server: libcurl, or a script in tests.
package protocol APITransport: Sendable {
  /// Sends a request and returns when the head of the reply is there. Cancelling the task aborts the transfer.
  func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply
}

/// A reply whose body is still coming.
package struct HTTPReply: Sendable {
  package let head: HTTPHead
  package let body: any HTTPBody

  package init(head: HTTPHead, body: any HTTPBody) {
    self.head = head
    self.body = body
  }
}

/// The body of a reply, piece by piece. For one reader; the transfer is aborted when the body is let go of.
package protocol HTTPBody: Sendable {
  /// The next piece, nil at the end. Cancelling the task aborts the transfer.
  func next() async throws(TransportError) -> [UInt8]?
}

extension HTTPBody {
  /// All of it, up to `limit` bytes.
  package func collect(limit: Int) async throws(TransportError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await next() {
      guard bytes.count + piece.count <= limit else {
        throw TransportError(.malformed, "the API server's reply is longer than \(limit) bytes")
      }
      // Most replies are one piece: then nothing is copied.
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
    return bytes
  }
}
