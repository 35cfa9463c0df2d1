import LinuxSystem

/// One of our programs in the cluster, with the rights of its pods.
struct ClusterProgram {
  let name: String
  private let directory: String

  /// Starts the program and waits until it serves. Blocks.
  private init(
    _ name: String, _ executable: String, _ arguments: [String], in cluster: BenchCluster, isReady: (Metrics) -> Bool
  ) throws {
    self.name = name
    directory = cluster.directory
    // The environment is that of its pods.
    let environment = ["/usr/bin/env", "--unset=LANG", "--unset=LC_ALL", "GNUTLS_NO_IMPLICIT_INIT=1"]
    let connection = [
      "--server", try cluster.setting("CLUSTER_SERVER"), "--certificate-authority", try cluster.setting("CLUSTER_CA"),
      "--token-file", try Account.token(executable, in: cluster), "--metrics-address", "127.0.0.1:0",
    ]
    try cluster.lab(
      "run", [name] + environment + ["\(Lab.products)/\(executable)", "serve"] + arguments + connection)
    try awaitReady(isReady)
  }

  /// Starts a provisioner and waits until it has listed everything. Blocks.
  static func provisioner(in cluster: BenchCluster) throws -> ClusterProgram {
    try ClusterProgram("provisioner", "elastic-local-provisioner", [], in: cluster) {
      $0.sum("elastic_local_provisioner_synced") == 1
    }
  }

  /// Starts a node's daemon and waits until it watches the PVs. Blocks.
  ///
  /// - Parameters:
  /// - kubeletRoot: the root directory of a kubelet that mounts volumes; by default one below the cluster's directory.
  /// - socket: the socket of its calls; by default its own.
  static func daemon(
    of node: String, engine: String, kubeletRoot: String? = nil, socket: String? = nil, in cluster: BenchCluster
  ) throws -> ClusterProgram {
    let directory = "\(cluster.directory)/\(node)"
    let kubelet = kubeletRoot ?? directory + "/kubelet"
    try Files.makeDirectories(directory, mode: 0o755)
    try Files.makeDirectories(kubelet, mode: 0o755)
    let arguments = [
      "--engine", engine, "--node-name", node, "--socket", socket ?? directory + "/socket", "--state-dir",
      directory + "/state", "--kubelet-root", kubelet,
    ]
    return try ClusterProgram(node, "elastic-local-node", arguments, in: cluster) {
      $0.requests { $0["resource"] == "persistentvolumes" && $0["verb"] == "watch" && $0["code"] == "200" } > 0
    }
  }

  private var log: String {
    let bytes = (try? Files.readAll("\(directory)/logs/own/\(name).log", limit: 1 << 30)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  private func awaitReady(_ isReady: (Metrics) -> Bool) throws {
    try Waiting.until(seconds: 120, "\(name) does not get ready: \(log.suffix(1000))") {
      // There is no page before the program serves.
      (try? metrics()).map(isReady) ?? false
    }
  }

  func metrics() throws -> Metrics {
    guard let port = ServingLine.metricsPort(in: log) else { throw NotMeasured("\(name) does not serve yet") }
    return try MetricsPage.read(port: port)
  }

  func figures() throws -> ProcessFigures {
    let text = try Files.readText("\(directory)/running/own/\(name)")
    guard let number = text.split(separator: " ").first.flatMap({ Int32($0) }) else {
      throw NotMeasured("\(name) does not run")
    }
    return ProcessFigures(processID: number)
  }
}

extension Metrics {
  /// The number of requests to the API server that a program has counted.
  func requests(where isWanted: ([String: String]) -> Bool) -> Int {
    Int(sum("elastic_local_api_requests_total", where: isWanted))
  }
}

extension [ClusterProgram] {
  /// Waits until the programs have sent no requests for longer than a daemon delays its reports. Leases, which are
  /// renewed all the time, do not count. Blocks.
  func settle() throws {
    var (before, after) = (-1, try asked())
    while before != after {
      ThreadSleep.sleep(.seconds(7))
      (before, after) = (after, try asked())
    }
  }

  private func asked() throws -> Int {
    try reduce(0) { $0 + (try $1.metrics().requests { $0["resource"] != "leases" }) }
  }
}
