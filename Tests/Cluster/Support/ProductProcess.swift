import LinuxSystem
import Testing

/// One of the product's programs as a process of this machine, with no more rights than its account has by the manifests.
struct ProductProcess {
  let name: String
  private let command: [String]

  /// - Parameters:
  ///   - name: of the part of the cluster that it becomes.
  ///   - program: the executable's name, which is its account's as well, as in `elastic-local-node`.
  ///   - arguments: of `serve`, beside those for the API server and for metrics.
  init(_ name: String, _ program: String, _ arguments: [String]) throws {
    self.name = name
    let account = String(program)
    let token = try Cluster.path("\(account).token")
    try Files.writeDurably(Array(try Account(account).token.utf8), to: token, mode: 0o600)
    let environment = OwnProcess.environment
    command =
      [
        "\(Cluster.products)/\(program)", "serve", "--metrics-address", "127.0.0.1:0", "--server",
        try #require(environment["CLUSTER_SERVER"]), "--certificate-authority", try #require(environment["CLUSTER_CA"]),
        "--token-file", token,
      ] + arguments
  }

  /// The daemon of a node.
  static func daemon(of node: String, engine: String, _ arguments: [String] = []) throws -> ProductProcess {
    let directory = try Cluster.path(node)
    try Files.makeDirectories("\(directory)/kubelet", mode: 0o755)
    return try ProductProcess(
      node, "elastic-local-node",
      [
        "--engine", engine, "--node-name", node, "--socket", "\(directory)/socket", "--state-dir",
        "\(directory)/state", "--kubelet-root", "\(directory)/kubelet",
      ] + arguments)
  }

  /// A provisioner that leads, once it has listed everything.
  static func provisioner() throws -> ProductProcess {
    try ProductProcess("provisioner", "elastic-local-provisioner", ["--identity", "one"])
  }

  func start() throws { try Cluster.lab("run", [name] + command) }
  func stop() throws { try Cluster.lab("stop-part", "own/\(name)") }
  func crash() throws { try Cluster.lab("crash-part", "own/\(name)") }
  /// Starts it again after ``stop()`` or ``crash()``.
  func startAgain() throws { try Cluster.lab("start-part", "own/\(name)") }

  /// What it has logged since the cluster's beginning.
  var log: String {
    get throws {
      String(decoding: try Files.readAll(Cluster.path("logs/own/\(name).log"), limit: 64 << 20), as: UTF8.self)
    }
  }

  var processID: Int32 {
    get throws {
      let text = try Files.readText(Cluster.path("running/own/\(name)"))
      return try #require(text.split(separator: " ").first.flatMap { Int32($0) })
    }
  }

  /// Its page of metrics. The port is the system's choice; the log says which.
  func metrics() throws -> String {
    let serving = try log.split(separator: "\n").last { $0.contains(" notice serving ") }
    let field = serving?.split(separator: " ").last { $0.hasPrefix("metrics=") }
    guard let port = field?.dropFirst("metrics=".count) else { throw Trouble("\(name) does not serve yet") }
    let page = try metricsPage
    try Cluster.shell("curl -fsS --noproxy '*' --max-time 10 -o '\(page)' http://127.0.0.1:\(port)/metrics")
    return String(decoding: try Files.readAll(page), as: UTF8.self)
  }

  /// Where ``metrics()`` leaves the page.
  var metricsPage: String { get throws { try Cluster.path("\(name).prom") } }

  /// Waits until its metrics have a line.
  func awaitMetric(_ line: String, at location: SourceLocation = #_sourceLocation) throws {
    // Before it serves, there is no page.
    let isThere = try eventually(seconds: 60) {
      ((try? metrics()) ?? "").split(separator: "\n").contains { $0 == line }
    }
    let page = isThere ? "" : (try? metrics()) ?? "no page"
    try #require(isThere, "\(name) does not show \(line): \(page)", sourceLocation: location)
  }
}
