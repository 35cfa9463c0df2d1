internal import Controllers
internal import KubernetesAPI

/// What claims have been told, so that nobody is told the same with each look at a claim.
struct SentRefusals: Sendable {
  private var entries: [ObjectKey: Entry] = [:]

  private struct Entry: Sendable {
    var refusal: Refusal
    var sentAt: Duration
    /// How long the same is not told again: 5, 10, 20, 40, 60, 60 … minutes. The API server keeps an Event for an hour.
    var pause = Duration.seconds(300)
  }

  private static let longestPause = Duration.seconds(3600)

  /// Whether the claim's owner is to be told; then it counts as told.
  mutating func isNews(_ refusal: Refusal, of claim: ObjectKey, at now: Duration) -> Bool {
    guard var entry = entries[claim], entry.refusal.isLike(refusal) else {
      entries[claim] = Entry(refusal: refusal, sentAt: now)
      return true
    }
    guard now - entry.sentAt >= entry.pause else { return false }
    entry.refusal = refusal
    entry.sentAt = now
    entry.pause = min(entry.pause * 2, Self.longestPause)
    entries[claim] = entry
    return true
  }

  /// The trouble is over, or the claim is gone. True when its owner had been told of any.
  @discardableResult
  mutating func end(of claim: ObjectKey) -> Bool { entries.removeValue(forKey: claim) != nil }
}

extension Refusal {
  /// Whether it is the same trouble. Figures of free space, and what a request failed with, change all the time.
  fileprivate func isLike(_ other: Refusal) -> Bool {
    switch reason {
    case .insufficientStorage, .provisioningFailed: reason == other.reason
    default: self == other
    }
  }
}
