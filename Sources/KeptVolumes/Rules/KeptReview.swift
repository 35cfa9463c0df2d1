package import LinuxSystem
internal import StorageModel

/// What is to be done about a kept volume whose claim has gone.
package enum KeptStep: Hashable, Sendable {
  /// Nothing before something changes.
  case none
  /// Nothing before that time.
  case wait(Duration)
  /// The PV is to name a claim with a UID. Without one, Kubernetes could bind it to any claim.
  case reserve
  /// Since when it has had no claim is to be recorded.
  case recordTime
  /// Its end is to be announced, and recorded.
  case announce(end: Timestamp)
  /// Its time is over.
  case expire
  /// Somebody has said that its data is to be deleted.
  case deleteData
  /// Its end is written in a way that cannot be read.
  case complain(String)
}

/// Looks at a kept volume; asks nobody.
package enum KeptReview {
  /// The two clocks that have to agree before data is deleted.
  package struct Clocks: Hashable, Sendable {
    /// The API server's; nil while it is not known.
    package var server: Timestamp?
    /// This machine's.
    package var own: Timestamp

    package init(server: Timestamp?, own: Timestamp) {
      self.server = server
      self.own = own
    }

    /// The earlier of the two: a clock that is ahead deletes nothing.
    var earlier: Timestamp? { server.map { min($0, own) } }
  }

  package static func step(for volume: KeptVolume, _ clocks: Clocks) -> KeptStep {
    guard volume.isKept, !volume.isLeftBehind else { return .none }
    guard volume.isUnbound else { return .none }
    guard volume.isReserved else { return .reserve }
    // Before Kubernetes has said that the claim is gone, it may be about to bind.
    guard volume.phase == "Released" || volume.phase == "Failed" else { return .none }
    if volume.isToBeDeleted { return .deleteData }
    guard let since = volume.keptSince else { return .recordTime }
    guard let duration = volume.keep.duration, let notice = volume.keep.notice else { return .none }
    guard let now = clocks.earlier else { return .wait(clockPause) }
    switch volume.expires {
    case .notSet:
      let announced = since + duration - notice
      return now < announced ? .wait(announced - now) : .announce(end: max(since + duration, now + notice))
    case .at(let end): return now < end ? .wait(end - now) : .expire
    case .unreadable(let text): return .complain(text)
    }
  }

  /// How long it takes at most until the API server has answered something.
  private static let clockPause = Duration.seconds(60)
}

extension Timestamp {
  fileprivate static func - (left: Timestamp, right: Duration) -> Timestamp { left + (.zero - right) }
}
