internal import Controllers

/// What namespaces have been told, so that nobody is told the same with each look at a namespace.
struct ToldTroubles: Sendable {
  /// The API server keeps an Event that long (`--event-ttl`): then it is sent again.
  static let pause = Duration.seconds(3600)

  private var entries: [String: (refusal: Refusal, at: Duration)] = [:]

  /// Whether the namespace's owner is to be told; then it counts as told.
  mutating func isNews(_ refusal: Refusal, of namespace: String, at now: Duration) -> Bool {
    if let told = entries[namespace], told.refusal.isLike(refusal), now - told.at < Self.pause { return false }
    entries[namespace] = (refusal, now)
    return true
  }

  /// The trouble is over, or the namespace asks for nothing any more.
  mutating func end(of namespace: String) { entries[namespace] = nil }
}

extension Refusal {
  /// Whether it is the same trouble. What a request failed with can change each time.
  fileprivate func isLike(_ other: Refusal) -> Bool {
    reason == .namespaceVolumeFailed ? reason == other.reason : self == other
  }
}
