internal import JSON

/// What a client says after the reply to a mount: whether kubelet sees what the daemon mounted. One JSON object on one line,
/// `{"seen":true}`.
package struct Confirmation: Sendable, Hashable {
  package let seen: Bool

  /// The largest frame, without its newline.
  package static let maximumSize = 256

  package init(seen: Bool) { self.seen = seen }

  /// Nil for what is no confirmation.
  package init?(decoding bytes: [UInt8]) {
    var seen: Bool?
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: bytes)
      guard try json.beginObject() else { return nil }
      while let key = try json.nextKey() {
        if key == "seen" { seen = try json.bool() }
      }
      try json.end()
    } catch {
      return nil
    }
    guard let seen else { return nil }
    self.init(seen: seen)
  }

  /// The frame as sent, newline included.
  package func encoded() -> [UInt8] { Array("{\"seen\":\(seen)}\n".utf8) }
}
