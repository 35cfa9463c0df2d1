import StorageModel

/// What claims cost the API server, from its audit log.
struct ClaimRequests {
  /// While claims of volumes that were there were bound, and while claims of ours were.
  let plain, ours: [AuditLog.Request]
  let claims: Int
  let nodes: Int
  /// How long `ours` were recorded.
  let time: Duration
  /// How many requests our own programs have counted meanwhile, without leases and watches.
  let countedByUs: Int
  let report: Report

  /// A minute, node and class: one in five seconds.
  private static let capacityLimit = 12.0
  private static let verbs = ["create", "update", "patch", "delete", "get", "list"]
  /// What is done by the clock: the lease, and what a node reports. All else counts as done for a claim.
  private static let byTime: Set = ["leases", "nodestorages", "csistoragecapacities"]

  func show() {
    let own = ours.filter { !Self.byTime.contains($0.kind) }
    row("requests per claim, from the audit log", Self.verbs)
    row("Kubernetes, volumes that were there", plain) { $0.isKubernetes }
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
      "requests that our metrics have and the audit log has not, or the reverse", abs(countedByUs - audited), limit: 0)
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
      what a node says \((said / minutes / Double(nodes)).fixed(1)); watches begun anew \((watches / minutes).fixed(1))
      """)
    report.verdict(
      "room published for the scheduler, requests a minute and node",
      writes(.provisioner, "csistoragecapacities") / minutes / Double(nodes), digits: 1, limit: Self.capacityLimit)
  }

  /// Requests that are no watches.
  private func writes(_ who: AuditLog.Who, _ kind: String) -> Double {
    Double(ours.count { $0.who == who && $0.verb != "watch" && $0.kind == kind })
  }
}
