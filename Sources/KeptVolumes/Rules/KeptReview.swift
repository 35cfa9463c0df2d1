package import LinuxSystem
internal import StorageModel

/// The next step for a kept volume without a claim.
package enum KeptStep: Hashable, Sendable {
  /// Do nothing until something changes.
  case none
  /// Do nothing for this time.
  case wait(Duration)
  /// Have the PV name a claim with a UID. Without a UID, Kubernetes could bind the PV to any claim.
  case reserve
  /// Record since when the volume has had no claim.
  case recordTime
  /// Record and announce when the volume is deleted.
  case announce(end: Timestamp)
  /// End the keeping: the time is over.
  case expire
  /// End the keeping: the deletion of the data is requested.
  case deleteData
  /// Send an Event: the annotation `expires` has this text, which is not a time.
  case complain(String)
}

/// Decides about a kept volume without a claim. Sends no request.
package enum KeptReview {
  /// The two times of day that have to agree before data is deleted.
  package struct Clocks: Hashable, Sendable {
    /// The API server's time; nil while it is not known.
    package var server: Timestamp?
    /// This machine's time.
    package var own: Timestamp

    /// Takes each field as it is.
    package init(server: Timestamp?, own: Timestamp) {
      self.server = server
      self.own = own
    }

    /// The earlier time; nil while the server's is not known. So a clock that is ahead deletes nothing.
    var earlier: Timestamp? { server.map { min($0, own) } }
  }

  /// The next step for the volume at this time. Does nothing for a volume that has a claim.
  package static func step(for volume: KeptVolume, _ clocks: Clocks) -> KeptStep {
    guard volume.isKept, !volume.isLeftBehind else { return .none }
    guard volume.isUnbound else { return .none }
    guard volume.isReserved else { return .reserve }
    // Before Kubernetes has seen that the claim is gone, it may still bind the PV.
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

  /// The pause while the API server's time is not known. Any answer of the API server shows its time.
  private static let clockPause = Duration.seconds(60)
}

extension Timestamp {
  fileprivate static func - (left: Timestamp, right: Duration) -> Timestamp { left + (.zero - right) }
}
