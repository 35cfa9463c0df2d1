/// A disturbance around the daemon during an operation: at the API server, among its callers, or in its share of the
/// machine.
enum Disturbance: Codable, Hashable, Sendable {
  /// The daemon is started, killed during its start and started again while calls arrive, and the API server is slow.
  case startAmidCalls(afterMilliseconds: Int)
  /// Each answer of the API server is delayed.
  case serverLate(milliseconds: Int)
  /// The API server refuses connections.
  case serverAway
  /// The API server comes back with an older state, together with the daemon.
  case serverRestored(Restored)
  /// The names of nodes no longer match.
  case hostnames(Hostnames)
  /// The disk does not answer, and more calls wait for it than there are threads.
  case diskHangs
  /// There are many PVs, some of them large.
  case listsHuge
  /// Callers that send nothing, stop in the middle of a request, or do not read the answer.
  case rudePeers
  /// The daemon has only this many descriptors left, for a second.
  case descriptorsGone(left: Int)
  /// The daemon's log is not read, and its pipe is full.
  case logUnread
  /// The API server has an IPv6 address only.
  case sixAlone

  enum Restored: String, Codable, CaseIterable, Sendable {
    /// From before the instances were recorded.
    case withoutInstance
    /// From before the PV was created.
    case withoutVolume
    /// From a time at which another PV object of the same name recorded another volume.
    case otherVolume
  }

  enum Hostnames: String, Codable, CaseIterable, Sendable {
    /// The node came back with another hostname.
    case nodeRenamed
    /// The PV belongs to another node with the same hostname.
    case labelElsewhere
    /// The PV's data are on a node with another hostname.
    case affinityElsewhere
  }
}

// MARK: - Required outcome

extension Disturbance {
  enum Outcome { case success, failure, either }

  /// The required outcome of the operation's first attempt.
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
  /// The kinds, by the values of `KIND` of lab/torture.
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

  /// The name for the totals.
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
