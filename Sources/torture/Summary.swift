/// The totals of several runs.
struct Summary: CustomStringConvertible {
  private var strikes: [String: Int] = [:]
  private var operations = 0
  private var files = 0
  private var volumes = 0
  private var aftershocks = 0

  /// The number of rounds in the histories of several runs.
  init(_ histories: [[Event]]) {
    for events in histories {
      for event in events {
        switch event {
        case .round(let round):
          strikes[round.strike.kind, default: 0] += 1
          operations += 1
          if round.aftershock != nil { aftershocks += 1 }
        case .written: files += 1
        case .made: volumes += 1
        default: break
        }
      }
    }
  }

  private var powerCuts: Int { strikes.filter { $0.key.hasPrefix("power cut") }.values.reduce(0, +) }

  var description: String {
    let lines = strikes.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
    return
      (["strikes by kind:"] + lines + [
        "  aftershocks: \(aftershocks)",
        "\(operations) strikes, \(powerCuts) of them power cuts; \(volumes) volumes created, \(files) files acknowledged",
      ]).joined(separator: "\n")
  }
}
