/// Sends requests to the API server: libcurl, or a script in tests.
package protocol APITransport: Sendable {
  /// Sends a request and returns when the head of the reply has arrived. Cancelling the task aborts the transfer.
  ///
  /// - Throws: ``TransportError``.
  func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply
}

/// A reply whose body is still arriving.
package struct HTTPReply: Sendable {
  package let head: HTTPHead
  package let body: any HTTPBody

  package init(head: HTTPHead, body: any HTTPBody) {
    self.head = head
    self.body = body
  }
}

/// The body of a reply, piece by piece, for one reader. The transfer is aborted when the body is deinitialized.
package protocol HTTPBody: Sendable {
  /// Waits for the next piece; nil at the end. Cancelling the task aborts the transfer.
  ///
  /// - Throws: ``TransportError``.
  func next() async throws(TransportError) -> [UInt8]?
}

extension HTTPBody {
  /// Waits for the whole body, up to `limit` bytes.
  ///
  /// - Throws: ``TransportError``; `malformed` if the body is longer.
  package func collect(limit: Int) async throws(TransportError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await next() {
      guard bytes.count + piece.count <= limit else {
        throw TransportError(.malformed, "the API server's reply is longer than \(limit) bytes")
      }
      // Most replies are one piece, which is then not copied.
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
    return bytes
  }
}
