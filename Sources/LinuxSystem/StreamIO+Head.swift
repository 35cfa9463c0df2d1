internal import Glibc

extension StreamIO {
  /// Reads the head of an HTTP request: up to and including the empty line that ends it (RFC 9112, section 2.1).
  package static func readHead(
    _ socket: borrowing Descriptor, limit: Int, deadline: Duration
  ) throws(FrameError) -> String {
    let end = MonotonicClock.now() + deadline
    let terminator = Array("\r\n\r\n".utf8)
    var head: [UInt8] = []
    while true {
      let chunk = try receive(socket, upTo: 4096, until: end)
      guard !chunk.isEmpty else { throw .closed(received: head.count) }
      head += chunk
      if head.suffix(4).elementsEqual(terminator) { return String(decoding: head, as: UTF8.self) }
      if head.count > limit { throw .tooLarge(limit: limit) }
    }
  }
}
