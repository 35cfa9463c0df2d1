internal import Glibc

extension StreamIO {
  /// Reads the head of an HTTP request: up to and including the empty line that ends it (RFC 9112, section 2.1).
  package static func readHead(
    _ socket: borrowing Descriptor, limit: Int, deadline: Duration
  ) throws(FrameError) -> String {
    let end = MonotonicClock.now() + deadline
    var head: [UInt8] = []
    while true {
      let chunk = try receive(socket, upTo: 4096, until: end)
      guard !chunk.isEmpty else { throw .closed(received: head.count) }
      head += chunk
      // A body may follow in the same piece: it is dropped.
      if let end = endOfHead(in: head) { return String(decoding: head[..<end], as: UTF8.self) }
      if head.count > limit { throw .tooLarge(limit: limit) }
    }
  }

  private static func endOfHead(in bytes: [UInt8]) -> Int? {
    let terminator = Array("\r\n\r\n".utf8)
    guard bytes.count >= terminator.count else { return nil }
    return (terminator.count...bytes.count).first { bytes[($0 - terminator.count)..<$0].elementsEqual(terminator) }
  }
}
