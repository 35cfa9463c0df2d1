/// The refusals that objects' owners have been sent, so that the same one is not sent with each look at an object.
package struct SentRefusals<Key: Hashable & Sendable>: Sendable {
  private let firstPause: Duration
  private var entries: [Key: Entry] = [:]

  private struct Entry: Sendable {
    var refusal: Refusal
    var sentAt: Duration
    /// How long the same refusal is not sent again. It doubles each time.
    var pause: Duration
  }

  /// - Parameter firstPause: how long the same refusal is not sent again at first; at most ``longestPause``.
  package init(firstPause: Duration = .seconds(300)) { self.firstPause = firstPause }

  /// The API server keeps an Event that long, unless set (`--event-ttl`).
  package static var longestPause: Duration { .seconds(3600) }

  /// Whether the refusal is to be sent to the object's owner. If so, it counts as sent.
  package mutating func isNews(_ refusal: Refusal, of key: Key, at now: Duration) -> Bool {
    guard var entry = entries[key], entry.refusal.isLike(refusal) else {
      entries[key] = Entry(refusal: refusal, sentAt: now, pause: firstPause)
      return true
    }
    guard now - entry.sentAt >= entry.pause else { return false }
    entry.refusal = refusal
    entry.sentAt = now
    entry.pause = min(entry.pause * 2, Self.longestPause)
    entries[key] = entry
    return true
  }

  /// The trouble is over, or the object is gone. Returns whether any refusal had been sent.
  @discardableResult
  package mutating func end(of key: Key) -> Bool { entries.removeValue(forKey: key) != nil }
}

extension Refusal {
  /// Whether it is the same trouble. Figures of free space, and the reason why a request failed, change all the time.
  fileprivate func isLike(_ other: Refusal) -> Bool {
    switch reason {
    case .insufficientStorage, .provisioningFailed, .namespaceVolumeFailed: reason == other.reason
    default: self == other
    }
  }
}
