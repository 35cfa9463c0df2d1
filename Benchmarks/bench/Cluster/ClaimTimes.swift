import LinuxSystem
import StorageModel

/// How long claims take to be bound, and what part of that is ours.
struct ClaimTimes {
  let plain, ours: ClaimRun.Figures
  let claims: Int
  let report: Report

  /// Noise, and two requests more for each: the PV, and what is recorded on it.
  private static let limit = 1.5

  func show(_ log: [AuditLog.Request]) throws {
    let columns = ["all".right(8), "median".right(8), "95 %".right(8), "longest".right(8), "claims/s".right(10)]
    report.line("  \("created to Bound, in s".left(46)) \(columns.joined(separator: " "))")
    row("volumes that were there, bound by Kubernetes", plain)
    row("elastic-local", ours)
    try showOwnTime(log)
    report.verdict(
      "time for all of them beside volumes that were there (ratio)", ours.all, beside: plain.all, limit: Self.limit)
  }

  private func row(_ text: String, _ figures: ClaimRun.Figures) {
    let times = [figures.all, figures.median, figures.percentile95, figures.longest]
    let columns = times.map { $0.inSeconds.fixed(1).right(8) }.joined(separator: " ")
    report.line("  \(text.left(46)) \(columns) \((Double(claims) / figures.all.inSeconds).fixed(1).right(10))")
  }

  /// A claim's way to its PV, by its UID: the scheduler chooses a node; the controller-manager hands the claim to us (it writes
  /// the annotation that names the provisioner), for which we do not wait; we make the PV.
  private struct Way {
    var chosen, handed, made: Timestamp?
  }

  private func showOwnTime(_ log: [AuditLog.Request]) throws {
    let made = ways(in: log).values.compactMap { way -> (handing: Duration?, making: Duration)? in
      guard let chosen = way.chosen, let made = way.made else { return nil }
      return (way.handed.map { $0 - chosen }, made - chosen)
    }
    guard made.count == claims else { throw NotMeasured("\(made.count) of \(claims) PVs are in the audit log") }
    report.line("  of it, in ms, from a node being chosen to the PV being there: " + summary(of: made.map(\.making)))
    let handing = made.compactMap(\.handing)
    guard !handing.isEmpty else { return }
    report.line("  to the claim being handed to us by the controller-manager: ".left(64) + summary(of: handing))
  }

  private func summary(of times: [Duration]) -> String {
    "median \(median(times).milliseconds), longest \((times.max() ?? .zero).milliseconds)"
  }

  private func ways(in log: [AuditLog.Request]) -> [String: Way] {
    var ways: [String: Way] = [:]
    for request in log where request.isSuccess {
      switch (request.verb, request.resource) {
      case ("update", "persistentvolumeclaims"):
        var way = ways[request.uid] ?? Way()
        if request.who == .scheduler {
          way.chosen = way.chosen ?? request.answered
        } else if way.chosen != nil {
          way.handed = way.handed ?? request.answered
        }
        ways[request.uid] = way
      case ("create", "persistentvolumes") where request.name.hasPrefix("pvc-"):
        ways[String(request.name.dropFirst(4)), default: Way()].made = request.answered
      default: break
      }
    }
    return ways
  }
}
