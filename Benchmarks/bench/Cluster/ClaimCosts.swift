import LinuxSystem

/// Claims from their creation to Bound, and their cost for the API server. Ours are compared with claims for existing
/// volumes.
@Measuring
struct ClaimCosts {
  /// The rate limit of Kubernetes' clients in requests per second; nil for their default.
  let rate: Int?
  let report: Report

  private static let nodes = ["bench1", "bench2", "bench3", "bench4"]

  func measure() async throws {
    let claims = try Settings.number("CLAIMS", or: 500)
    let variables = ["CLUSTER_AUDIT": "1", "CLUSTER_CLIENT_RATE": rate.map { "\($0)" } ?? ""]
    try await BenchCluster.with(variables) { cluster in try await measure(claims, in: cluster) }
  }

  private func measure(_ claims: Int, in cluster: BenchCluster) async throws {
    var programs: [ClusterProgram] = []
    for node in Self.nodes {
      try cluster.lab("add-simulated-node", node)
      programs.append(try .daemon(of: node, engine: "simulated", in: cluster))
    }
    programs.append(try .provisioner(in: cluster))
    try LocalClass.make(in: cluster)
    try await LocalVolumes(client: cluster.client).make(claims, LocalClass.name, Self.nodes)
    try programs.settle()
    let began = WallClock.now()
    let plain = try await ClaimRun(client: cluster.client, className: LocalClass.name, prefix: "plain").run(claims)
    try programs.settle()
    let middle = WallClock.now()
    let countedBefore = try counted(by: programs)
    let ours = try await ClaimRun(client: cluster.client, className: "elastic-local", prefix: "ours").run(claims)
    try programs.settle()
    let (ended, countedAfter) = (WallClock.now(), try counted(by: programs))
    let rates = rate == nil ? "default rate limits, 50 and 20 a second" : "practically no rate limits"
    report.line(
      """

      \(claims) claims with a pod each, created at once; \(Self.nodes.count) nodes that are objects; \
      scheduler and controllers: \(rates)
      """)
    let log = try cluster.auditLog()
    try ClaimTimes(plain: plain, ours: ours, claims: claims, report: report).show(log)
    ClaimRequests(
      plain: log.between(began, middle), ours: log.between(middle, ended), claims: claims, nodes: Self.nodes.count,
      time: ended - middle, countedByUs: countedAfter - countedBefore, report: report
    ).show()
  }

  /// The requests that our programs have counted, without leases, which are renewed all the time, and without watches,
  /// which the audit log contains when they end.
  private func counted(by programs: [ClusterProgram]) throws -> Int {
    try programs.reduce(0) { sum, program in
      sum + (try program.metrics().requests { $0["resource"] != "leases" && $0["verb"] != "watch" })
    }
  }
}
