import KubernetesAPI
import LinuxSystem

/// The time from a pod's creation until its container runs, on one kubelet: with an emptyDir, with a claim for an
/// existing local volume, and with a claim for a new volume of ours.
@Measuring
struct PodStarts {
  let report: Report

  func measure() async throws {
    let rounds = try Settings.number("ROUNDS", or: 12)
    guard OwnProcess.effectiveUserID == 0 else { throw NotMeasured("a real node needs root") }
    try await BenchCluster.with(["CLUSTER_AUDIT": "1"]) { cluster in try await measure(rounds, in: cluster) }
  }

  private func measure(_ rounds: Int, in cluster: BenchCluster) async throws {
    let engine = try ClusterSection.prepareEngine()
    let directory = cluster.directory
    try Programs.run(
      Lab.project + "/flex-install/install.sh", "--plugin-dir", directory + "/plugins", "--source", Lab.products)
    try cluster.lab("start-node")
    let daemon = try ClusterProgram.daemon(
      of: "node1", engine: engine, kubeletRoot: directory + "/nodes/node1/kubelet",
      socket: BenchCluster.socket(directory), in: cluster)
    _ = try ClusterProgram.provisioner(in: cluster)
    try LocalClass.make(in: cluster)
    let kinds = BenchPod.Kind.allCases
    // The first pod of a kind is slower, so it does not count.
    for (turn, kind) in kinds.enumerated() { _ = try await run(BenchPod(kind: kind, name: "first-\(turn)"), cluster) }
    var started: [(pod: BenchPod, time: Timestamp)] = []
    for round in 0..<rounds {
      for turn in kinds.indices {
        let pod = BenchPod(kind: kinds[(round + turn) % kinds.count], name: "pod-\(round)-\(turn)")
        started.append((pod, try await run(pod, cluster)))
      }
    }
    report.line(
      """

      pod created to container started, one node, engine \(engine), \(BenchPod.size), ext4; \(rounds) of each, in turn; \
      medians in ms
      """)
    let stages = try PodStages(log: try cluster.auditLog(), started: started)
    PodReport(stages: stages, mountTime: try mountTime(daemon), report: report).show()
  }

  /// Runs a pod until it is ready and removes it. Returns the time at which containerd read the container's first
  /// output.
  private func run(_ pod: BenchPod, _ cluster: BenchCluster) async throws -> Timestamp {
    if pod.kind == .local { try Files.makeDirectories(pod.localPath(in: cluster), mode: 0o755) }
    try cluster.create(pod.manifest(in: cluster))
    try cluster.kubectl("wait", "--for=condition=Ready", "pod/\(pod.name)", "--timeout=180s")
    let line = try cluster.kubectl("logs", "--timestamps", pod.name).split(separator: "\n").first ?? ""
    guard let time = line.split(separator: " ").first.flatMap({ Timestamp(rfc3339: String($0)) }) else {
      throw NotMeasured("the log of \(pod.name) has no time: \(line)")
    }
    try await remove(pod, cluster)
    return time
  }

  private func remove(_ pod: BenchPod, _ cluster: BenchCluster) async throws {
    try cluster.kubectl("delete", "pod", pod.name, "--timeout=180s")
    guard pod.kind != .emptyDir else { return }
    try cluster.kubectl("delete", "pvc", pod.name, "--timeout=180s")
    if pod.kind == .local { try cluster.kubectl("delete", "pv", pod.name, "--timeout=180s") }
    let limit = MonotonicClock.now() + .seconds(180)
    while try await !cluster.client.volumes().isEmpty {
      guard MonotonicClock.now() < limit else { throw NotMeasured("the PV of \(pod.name) is not deleted") }
      ThreadSleep.sleep(.milliseconds(200))
    }
  }

  /// The mean time of kubelet's mount calls in the daemon.
  private func mountTime(_ daemon: ClusterProgram) throws -> Duration {
    let metrics = try daemon.metrics()
    let count = Int(metrics.sum("elastic_local_call_seconds_count") { $0["verb"] == "mount" })
    guard count > 0 else { throw NotMeasured("the daemon has mounted nothing") }
    return metrics.time(ofCalls: "mount") / count
  }
}
