import StorageModel

/// The API server's cost of claims, from its audit log.
struct ClaimRequests {
  /// The requests while claims for existing volumes were bound, and while ours were.
  let plain, ours: [AuditLog.Request]
  let claims: Int
  let nodes: Int
  /// The duration of `ours`.
  let time: Duration
  /// The number of requests that our programs counted meanwhile, without leases and watches.
  let countedByUs: Int
  let report: Report

  /// Requests per minute, node and class: one in five seconds.
  private static let capacityLimit = 12.0
  private static let verbs = ["create", "update", "patch", "delete", "get", "list"]
  /// Requests that depend on time: the lease, and the nodes' reports. All others count for claims.
  private static let byTime: Set = ["leases", "nodestorages", "csistoragecapacities"]

  func show() {
    let own = ours.filter { !Self.byTime.contains($0.kind) }
    row("requests per claim, from the audit log", Self.verbs)
    row("Kubernetes, existing volumes", plain) { $0.isKubernetes }
    row("Kubernetes, elastic-local", ours) { $0.isKubernetes }
    row("our provisioner", own) { $0 == .provisioner }
    row("our daemons", own) { $0 == .daemon }
    showByTime()
    verdict("creates of ours per claim", own, ["create"])
    verdict("patches and updates of ours per claim", own, ["patch", "update"])
    // The daemon reads the PV before it creates the volume.
    verdict("other requests of ours per claim, watches aside", own, ["get", "list", "delete", "deletecollection"])
    let audited = ours.count { $0.who.isOurs && $0.verb != "watch" && $0.resource != "leases" }
    report.verdict(
      "difference between our metrics and the audit log, in requests", abs(countedByUs - audited), limit: 0)
  }

  private func row(_ text: String, _ columns: [String]) {
    report.line("  \(text.left(46)) " + columns.map { $0.right(8) }.joined(separator: " "))
  }

  private func row(_ text: String, _ requests: [AuditLog.Request], of isWanted: (AuditLog.Who) -> Bool) {
    row(
      text, Self.verbs.map { verb in perClaim(requests.count { isWanted($0.who) && $0.verb == verb }).fixed(3) })
  }

  private func perClaim(_ count: Int) -> Double { Double(count) / Double(claims) }

  private func verdict(_ text: String, _ own: [AuditLog.Request], _ verbs: Set<String>) {
    let count = own.count { $0.who.isOurs && verbs.contains($0.verb) }
    report.verdict(text, perClaim(count), digits: 3, limit: 1)
  }

  private func showByTime() {
    let minutes = time.inSeconds / 60
    let leases = writes(.provisioner, "leases")
    let said = writes(.daemon, "nodestorages")
    let watches = Double(ours.count { $0.who.isOurs && $0.verb == "watch" })
    report.line(
      """
        not by claim, in these \(minutes.fixed(1)) minutes, a minute: lease \((leases / minutes).fixed(1)); \
      reports of a node \((said / minutes / Double(nodes)).fixed(1)); restarted watches \((watches / minutes).fixed(1))
      """)
    report.verdict(
      "capacities written for the scheduler, requests a minute and node",
      writes(.provisioner, "csistoragecapacities") / minutes / Double(nodes), digits: 1, limit: Self.capacityLimit)
  }

  /// Requests that are not watches.
  private func writes(_ who: AuditLog.Who, _ kind: String) -> Double {
    Double(ours.count { $0.who == who && $0.verb != "watch" && $0.kind == kind })
  }
}
