import KubernetesAPI
import LinuxSystem
import StorageModel

/// Resident memory of both programs in a large cluster.
@Measuring
struct ClusterMemory {
  let report: Report

  /// MiB.
  private static let (provisionerLimit, daemonLimit) = (40.0, 30.0)
  /// As many updates as an hour brings for all PVs, and as many of the daemon's own.
  private static let updates = 2000
  private static let ownNode = "n0"
  private static let fields = ["VmRSS", "RssAnon", "VmHWM"]

  func measure() async throws {
    let objects = try Settings.number("OBJECTS", or: 10_000)
    let nodes = try Settings.number("NODES", or: 100)
    guard nodes <= objects else {
      throw NotMeasured("\(nodes) nodes for \(objects) volumes: each must have at least one")
    }
    try await BenchCluster.with { cluster in try await measure(objects, nodes, in: cluster) }
  }

  private func measure(_ objects: Int, _ nodes: Int, in cluster: BenchCluster) async throws {
    let engine = try ClusterSection.prepareEngine()
    // No other controller may work with the PVs.
    try cluster.lab("stop-part", "controller-manager")
    try cluster.lab("stop-part", "scheduler")
    let began = MonotonicClock.now()
    let filling = Filling(client: cluster.client, nodes: nodes)
    try await filling.fill(objects)
    showHeading(objects, nodes, engine, took: MonotonicClock.now() - began)
    let both = [
      try ClusterProgram.provisioner(in: cluster),
      try ClusterProgram.daemon(
        of: Self.ownNode, engine: engine, kubeletRoot: try cluster.sharedDirectory("kubelet"), in: cluster),
    ]
    try await awaitVolumes(in: cluster)
    try both.settle()
    var worst = [0, 0]
    try row("listed, and the daemon's volumes created", both, &worst)
    try await filling.churn(Self.updates, objects, step: 1)
    try await filling.churn(Self.updates, objects, step: nodes)
    try both.settle()
    try row("\(Self.updates) updates of all, \(Self.updates) of the daemon's later", both, &worst)
    for round in 1...3 {
      try forceLists(both, objects, in: cluster)
      try row("API server lost, all listed again, time \(round)", both, &worst)
    }
    verdict("resident MiB of the provisioner, the most of these", worst[0], limit: Self.provisionerLimit)
    verdict("resident MiB of the daemon, the most of these", worst[1], limit: Self.daemonLimit)
  }

  /// Waits until all of the daemon's volumes are created and recorded on their PVs.
  private func awaitVolumes(in cluster: BenchCluster) async throws {
    let limit = MonotonicClock.now() + .seconds(600)
    let selection = Selection(labels: "\(ClusterNames.nodeLabel)=\(Self.ownNode)")
    while true {
      let missing = try await cluster.client.volumes(selection).count {
        $0.metadata.annotations[ClusterNames.instanceAnnotation] == nil
      }
      if missing == 0 { return }
      guard MonotonicClock.now() < limit else {
        throw NotMeasured("\(missing) volumes of \(Self.ownNode) are not created after 600 s")
      }
      ThreadSleep.sleep(.seconds(2))
    }
  }

  /// Makes the API server lose its cache of changes, and changes an object. All watches then get 410, and new lists
  /// follow.
  private func forceLists(_ both: [ClusterProgram], _ objects: Int, in cluster: BenchCluster) throws {
    let before = try both.map(lists)
    try cluster.kubectl("create", "configmap", "change-\(WallClock.now().seconds)")
    try cluster.lab("crash-part", "apiserver")
    try cluster.lab("start-part", "apiserver")
    let pages = (objects + APIClient.pageSize - 1) / APIClient.pageSize
    for (index, wanted) in [pages, 1].enumerated() {
      try Waiting.until(seconds: 240, "\(both[index].name) did not list PVs again") {
        try lists(both[index]) >= before[index] + wanted
      }
    }
    try both.settle()
  }

  private func lists(_ program: ClusterProgram) throws -> Int {
    try program.metrics().requests { $0["resource"] == "persistentvolumes" && $0["verb"] == "list" }
  }

  // MARK: figures

  private func showHeading(_ objects: Int, _ nodes: Int, _ engine: String, took time: Duration) {
    report.line(
      """

      memory in MiB with \(objects) PVs and as many claims, bound, of \(nodes) nodes; filled in \
      \(time.inSeconds.fixed(0)) s
      """)
    let groups = ["|------ provisioner -----|", "|- daemon, engine \(engine.left(9))|"]
    report.line("  \("".left(46)) " + groups.map { $0.right(26) }.joined(separator: " "))
    showRow("", ["resident", "anon", "peak", "resident", "anon", "peak"])
  }

  private func showRow(_ text: String, _ columns: [String]) {
    report.line("  \(text.left(46)) " + columns.map { $0.right(8) }.joined(separator: " "))
  }

  /// Keeps the largest values, in KiB.
  private func row(_ text: String, _ both: [ClusterProgram], _ worst: inout [Int]) throws {
    var columns: [String] = []
    for (index, program) in both.enumerated() {
      let figures = try program.figures()
      columns += try Self.fields.map { (Double(try figures.status($0)) / 1024).fixed(1) }
      worst[index] = max(worst[index], try figures.status("VmRSS"))
    }
    showRow(text, columns)
  }

  private func verdict(_ text: String, _ kibibytes: Int, limit: Double) {
    report.verdict(text, Double(kibibytes) / 1024, digits: 2, limit: limit)
  }
}
