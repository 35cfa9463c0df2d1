import LinuxSystem
import StorageModel

/// The time until claims are bound, and our part of it.
struct ClaimTimes {
  let plain, ours: ClaimRun.Figures
  let claims: Int
  let report: Report

  /// Allows for noise and two more requests per claim: the creation of the PV, and the record of its volume.
  private static let limit = 1.5

  func show(_ log: [AuditLog.Request]) throws {
    let columns = ["all".right(8), "median".right(8), "95 %".right(8), "longest".right(8), "claims/s".right(10)]
    report.line("  \("created to Bound, in s".left(46)) \(columns.joined(separator: " "))")
    row("existing volumes, bound by Kubernetes", plain)
    row("elastic-local", ours)
    try showOwnTime(log)
    report.verdict(
      "time for all claims compared with existing volumes (ratio)", ours.all, beside: plain.all, limit: Self.limit)
  }

  private func row(_ text: String, _ figures: ClaimRun.Figures) {
    let times = [figures.all, figures.median, figures.percentile95, figures.longest]
    let columns = times.map { $0.inSeconds.fixed(1).right(8) }.joined(separator: " ")
    report.line("  \(text.left(46)) \(columns) \((Double(claims) / figures.all.inSeconds).fixed(1).right(10))")
  }

  /// The stages of a claim until its PV exists, by its UID. The scheduler chooses a node. The controller-manager hands
  /// the claim to us by the annotation that names the provisioner, for which we do not wait. We create the PV.
  private struct Way {
    var chosen, handed, made: Timestamp?
  }

  private func showOwnTime(_ log: [AuditLog.Request]) throws {
    let made = ways(in: log).values.compactMap { way -> (handing: Duration?, making: Duration)? in
      guard let chosen = way.chosen, let made = way.made else { return nil }
      return (way.handed.map { $0 - chosen }, made - chosen)
    }
    guard made.count == claims else { throw NotMeasured("\(made.count) of \(claims) PVs are in the audit log") }
    report.line(
      "  of it, in ms, from the choice of a node to the creation of the PV: " + summary(of: made.map(\.making)))
    let handing = made.compactMap(\.handing)
    guard !handing.isEmpty else { return }
    report.line("  to the controller-manager's annotation on the claim: ".left(64) + summary(of: handing))
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
