import LinuxSystem

/// One of our programs as a part of the cluster, with the rights of its pods.
struct ClusterProgram {
  let name: String
  private let directory: String

  /// Starts it and waits until it serves. Blocks.
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

  /// A provisioner, once it has listed everything. Blocks.
  static func provisioner(in cluster: BenchCluster) throws -> ClusterProgram {
    try ClusterProgram("provisioner", "elastic-local-provisioner", [], in: cluster) {
      $0.sum("elastic_local_provisioner_synced") == 1
    }
  }

  /// A node's daemon, once it follows the volumes. Blocks.
  ///
  /// - Parameters:
  ///   - kubeletRoot: of a node on which volumes are mounted; one below the cluster's directory unless told.
  ///   - socket: where it is called; one of its own unless told.
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
      // Before it serves, there is no page.
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
  /// Requests to the API server that a program has counted itself.
  func requests(where isWanted: ([String: String]) -> Bool) -> Int {
    Int(sum("elastic_local_api_requests_total", where: isWanted))
  }
}

extension [ClusterProgram] {
  /// Waits until they have asked for nothing for longer than a daemon puts off what it reports; leases are renewed all the
  /// time. Blocks.
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
