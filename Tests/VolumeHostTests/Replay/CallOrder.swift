/// A call with its start time and, if known, its end time, in seconds.
struct TimedCall: Hashable, Sendable {
  let line: String
  let command: String
  let start: Double
  let end: Double

  init(_ line: String, start: Double, end: Double) {
    self.line = line
    command = line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    self.start = start
    self.end = end
  }
}

/// Compares the order of one caller's calls with the recorded order.
///
/// A call comes before another if it had ended when the other began. Calls that overlapped in the recording may come in
/// any order. So may `init` calls without another call in between: after its first scan a kubelet calls the changed
/// drivers in the order of a Go map, which is random.
enum CallOrder {
  /// Recorded times are rounded to milliseconds.
  private static let rounding = 0.001

  /// Says which call came too early. Nil if the order is the recorded one. Calls that are missing on one side are not
  /// compared here; another check reports them. `made` is in the order of the calls.
  static func difference(recorded: [TimedCall], made: [TimedCall]) -> String? {
    let recorded = recorded.sorted { $0.start < $1.start }
    let places = places(of: recorded, in: made)
    let rounds = initRounds(recorded)
    for (later, second) in recorded.enumerated() {
      for (earlier, first) in recorded[..<later].enumerated() where first.end + rounding <= second.start {
        if let round = rounds[earlier], round == rounds[later] { continue }
        guard let before = places[earlier], let after = places[later], after < before else { continue }
        return "made too early: \(second.line)\n  recorded after: \(first.line)"
      }
    }
    return nil
  }

  /// Returns the position of each recorded call among those made. The second call with a command line is the second one
  /// made with it.
  private static func places(of recorded: [TimedCall], in made: [TimedCall]) -> [Int?] {
    var left = Dictionary(grouping: made.indices, by: { made[$0].line }).mapValues { $0[...] }
    return recorded.map { left[$0.line]?.popFirst() }
  }

  /// Numbers the rounds of consecutive `init` calls. Nil for other calls.
  private static func initRounds(_ calls: [TimedCall]) -> [Int?] {
    var round = 0
    return calls.map { call in
      guard call.command == "init" else {
        round += 1
        return nil
      }
      return round
    }
  }
}
