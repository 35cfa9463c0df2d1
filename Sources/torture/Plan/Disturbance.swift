/// What happens around the daemon while an operation is under way: to the API server, among its callers, to what it has of
/// the machine.
enum Disturbance: Codable, Hashable, Sendable {
  /// The daemon is started, killed in its start and started again while calls come, and the API server takes its time.
  case startAmidCalls(afterMilliseconds: Int)
  /// Each answer of the API server takes so long.
  case serverLate(milliseconds: Int)
  /// The API server refuses connections.
  case serverAway
  /// The API server comes back from an older state, and the daemon with it.
  case serverRestored(Restored)
  /// The names of nodes do not fit any more.
  case hostnames(Hostnames)
  /// The disk does not answer, and more calls wait for it than there are threads.
  case diskHangs
  /// PVs are large, and many.
  case listsHuge
  /// Callers that say nothing, stop in the middle of a word, or do not read the answer.
  case rudePeers
  /// The daemon has so many descriptors left, for a second.
  case descriptorsGone(left: Int)
  /// Nobody reads the daemon's log, and the pipe is full.
  case logUnread
  /// The API server is at an address of IPv6.
  case sixAlone

  enum Restored: String, Codable, CaseIterable, Sendable {
    /// From before the volumes were recorded.
    case withoutInstance
    /// From before the PV was made.
    case withoutVolume
    /// From when a PV of the same name, another object, recorded another volume.
    case otherVolume
  }

  enum Hostnames: String, Codable, CaseIterable, Sendable {
    /// The node came back with another hostname.
    case nodeRenamed
    /// The PV is another node's, which has the same hostname.
    case labelElsewhere
    /// The PV's data are on a node of another hostname.
    case affinityElsewhere
  }
}

// MARK: - What must come of it

extension Disturbance {
  enum Outcome { case success, failure, either }

  /// What the operation has to come to at the first try.
  func outcome(of operation: Operation) -> Outcome {
    switch (self, operation) {
    case (.startAmidCalls, _), (.descriptorsGone, _): .either
    case (.serverAway, .make): .failure
    case (.serverRestored(.withoutInstance), _): .success
    case (.serverRestored, .make), (.serverRestored, .mount): .failure
    case (.hostnames, .make), (.hostnames(.labelElsewhere), .mount): .failure
    default: .success
    }
  }
}

// MARK: - Choosing

extension Disturbance {
  /// The kinds, by the word that `KIND` of lab/torture takes.
  enum Kind: String, CaseIterable, Sendable {
    case start, late, away, restored, hostnames, hang, lists, peers, descriptors, log, six
  }

  init(_ kind: Kind, _ dice: inout Dice) {
    switch kind {
    case .start: self = .startAmidCalls(afterMilliseconds: 50 + dice.below(700))
    case .late: self = .serverLate(milliseconds: 500 + dice.below(2500))
    case .away: self = .serverAway
    case .restored: self = .serverRestored(dice.pick(Restored.allCases))
    case .hostnames: self = .hostnames(dice.pick(Hostnames.allCases))
    case .hang: self = .diskHangs
    case .lists: self = .listsHuge
    case .peers: self = .rudePeers
    case .descriptors: self = .descriptorsGone(left: dice.below(8))
    case .log: self = .logUnread
    case .six: self = .sixAlone
    }
  }

  /// The name under which they are counted.
  var kind: String {
    switch self {
    case .startAmidCalls: "daemon started amid calls"
    case .serverLate: "API server late"
    case .serverAway: "API server away"
    case .serverRestored: "API server restored from an older state"
    case .hostnames: "hostnames that do not fit"
    case .diskHangs: "disk hangs"
    case .listsHuge: "lists with huge objects"
    case .rudePeers: "peers that do not read"
    case .descriptorsGone: "descriptors gone"
    case .logUnread: "log that nobody reads"
    case .sixAlone: "IPv6 alone"
    }
  }
}

extension Disturbance: CustomStringConvertible {
  var description: String {
    switch self {
    case .startAmidCalls(let delay), .serverLate(let delay): "\(kind), \(delay) ms"
    case .serverRestored(let how): "\(kind), \(how.rawValue)"
    case .hostnames(let how): "\(kind), \(how.rawValue)"
    case .descriptorsGone(let left): "\(kind), but for \(left)"
    default: kind
    }
  }
}
