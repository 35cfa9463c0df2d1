internal import FoundationEssentials

/// What a client says after the reply to a mount: whether kubelet sees what the daemon mounted. One JSON object on one line,
/// `{"seen":true}`.
package struct Confirmation: Sendable, Hashable, Codable {
  package let seen: Bool

  /// The largest frame, without its newline.
  package static let maximumSize = 256

  package init(seen: Bool) { self.seen = seen }

  /// Nil for what is no confirmation.
  package init?(decoding bytes: [UInt8]) {
    guard let decoded = try? JSONDecoder().decode(Confirmation.self, from: Data(bytes)) else { return nil }
    self = decoded
  }

  /// The frame as sent, newline included.
  package func encoded() -> [UInt8] { Array("{\"seen\":\(seen)}\n".utf8) }
}
