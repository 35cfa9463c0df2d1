import KubernetesAPI
import LinuxSystem
import StorageModel

/// Claims that come back to their kept volumes: how long until they are bound, beside plain claims, and what they cost.
@Measuring
struct KeptCosts {
  let report: Report

  private static let nodes = ["bench1", "bench2", "bench3", "bench4"]
  private static let className = "bench-kept"
  private static let timeLimit = 1.5
  private static let writeLimit = 2.0

  func measure() async throws {
    let claims = try Settings.number("CLAIMS", or: 500)
    // Without the rate limits of Kubernetes' clients, which would hide what is ours.
    try await BenchCluster.with(["CLUSTER_AUDIT": "1", "CLUSTER_CLIENT_RATE": "1000"]) { cluster in
      try await measure(claims, in: cluster)
    }
  }

  private func measure(_ claims: Int, in cluster: BenchCluster) async throws {
    var programs: [ClusterProgram] = []
    for node in Self.nodes {
      try cluster.lab("add-simulated-node", node)
      programs.append(try .daemon(of: node, engine: "simulated", in: cluster))
    }
    programs.append(try .provisioner(in: cluster))
    try createClass(in: cluster)
    let client = cluster.client
    try programs.settle()
    let plain = try await ClaimRun(client: client, className: "elastic-local", prefix: "plain").run(claims)
    try await remove("plain", in: cluster) { $0.isEmpty }
    try programs.settle()
    let began = WallClock.now()
    let first = try await ClaimRun(client: client, className: Self.className, prefix: "kept").run(claims)
    try programs.settle()
    let going = WallClock.now()
    try await remove("kept", in: cluster) { volumes in
      volumes.allSatisfy { $0.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil }
    }
    try programs.settle()
    let middle = WallClock.now()
    let names = try await Set(client.volumes().map(\.metadata.name))
    let again = try await ClaimRun(client: client, className: Self.className, prefix: "kept").run(claims)
    try programs.settle()
    let ended = WallClock.now()
    guard try await Set(client.volumes().map(\.metadata.name)) == names else {
      throw NotMeasured("claims that came back have other volumes than before")
    }
    let log = try cluster.auditLog()
    show(claims, plain, first, again)
    verdict(
      "writes of ours per claim that keeps, until it is bound and its volume is created", log.between(began, going),
      claims)
    verdict("writes of ours per volume whose claim goes", log.between(going, middle), claims)
    verdict("writes of ours per claim that comes back", log.between(middle, ended), claims)
  }

  private func show(_ claims: Int, _ plain: ClaimRun.Figures, _ first: ClaimRun.Figures, _ again: ClaimRun.Figures) {
    report.line(
      "\n\(claims) claims with a pod each of a class that keeps volumes, made, deleted with their pods, made again")
    for (text, figures) in [
      ("plain claims", plain), ("claims that keep, the first time", first), ("the same again", again),
    ] {
      report.line(
        "  created to Bound, in s: \(text.left(38)) all \(figures.all.inSeconds.fixed(1)), median \(figures.median.inSeconds.fixed(1))"
      )
    }
    report.verdict(
      "claims that come back to Bound, beside plain claims (ratio)", again.all, beside: plain.all, limit: Self.timeLimit
    )
  }

  /// PVs and claims; what nodes and the scheduler are told is done by the clock.
  private func verdict(_ text: String, _ log: [AuditLog.Request], _ claims: Int) {
    let writes = log.count { request in
      request.who.isOurs && ["create", "update", "patch", "delete"].contains(request.verb)
        && ["persistentvolumes", "persistentvolumeclaims"].contains(request.kind)
    }
    report.verdict(text, Double(writes) / Double(claims), digits: 3, limit: Self.writeLimit)
  }

  private func createClass(in cluster: BenchCluster) throws {
    let ours = try Files.readText("\(Lab.project)/daemonset/base/storage-class.yaml")
    try cluster.create(
      ours.replacing("name: elastic-local\n", with: "name: \(Self.className)\n") + "\nparameters: {keep: forever}\n")
  }

  /// Deletes the claims of a run with their pods, and waits until their PVs are as they should be then.
  private func remove(
    _ prefix: String, in cluster: BenchCluster, until isDone: ([PersistentVolume]) -> Bool
  ) async throws {
    for kind in ["pods", "persistentvolumeclaims"] {
      try cluster.kubectl("delete", kind, "-l", "bench=\(prefix)", "--force", "--grace-period=0", "--wait=true")
    }
    let limit = ContinuousClock.now + .seconds(600)
    while !isDone(try await cluster.client.volumes()) {
      guard ContinuousClock.now < limit else { throw NotMeasured("the PVs of \(prefix) are not settled after 600 s") }
      try await Task.sleep(for: .seconds(1))
    }
  }
}
