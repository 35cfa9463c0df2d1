import CommandLineTool
import KubernetesAPI
import LinuxSystem
import RunningPrograms

/// A cluster to measure, of `lab/cluster`, with what `kubectl apply -k daemonset/` makes but for the workloads: those run as
/// processes here.
struct BenchCluster: Sendable {
  let directory: String
  /// As an administrator.
  let client: APIClient
  private let environment: [String: String]

  private static let lab = Lab.project + "/lab/cluster"
  private static let manifests = [
    "namespace", "storage-class", "csi-driver", "node-storage-crd", "node-rbac", "provisioner-rbac",
  ]

  /// Starts a cluster, runs the body, and stops the cluster. Blocks.
  ///
  /// - Parameter variables: for `lab/cluster start`.
  @Measuring static func with(
    _ variables: [String: String] = [:], _ body: @Measuring (BenchCluster) async throws -> Void
  ) async throws {
    let directory = try TemporaryDirectory.make((Lab.kind == nil ? "/tmp" : "/run") + "/bench.")
    Termination.arrange {
      Programs.interrupt()
      try? end(directory)
    }
    defer { Termination.arrange(nil) }
    do {
      try await body(try start(directory, variables))
    } catch {
      if !Termination.isUnderWay {
        showLogs(directory)
        // Why there is no figure counts, not what comes of that.
        try? end(directory)
      }
      throw error
    }
    try end(directory)
  }

  /// kubelet's calls of the client go there.
  static func socket(_ directory: String) -> String { directory + "/socket" }

  private static func start(_ directory: String, _ variables: [String: String]) throws -> BenchCluster {
    try Programs.run([lab, "start", directory], variables: variables)
    let environment = environment(try Programs.run(lab, "env", directory))
    let client = APIClient(try CurlTransport(ConnectionConfiguration.kubeconfig(directory + "/kubeconfig.json")))
    let cluster = BenchCluster(directory: directory, client: client, environment: environment)
    let files = manifests.flatMap { ["-f", "\(Lab.project)/daemonset/base/\($0).yaml"] }
    try cluster.kubectl(["apply"] + files)
    try cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    return cluster
  }

  /// What `lab/cluster env` prints: `export NAME=VALUE`, where a backslash quotes what follows.
  private static func environment(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
      let sides = line.drop { $0 != " " }.dropFirst().split(separator: "=", maxSplits: 1)
      return sides.count == 2 ? (String(sides[0]), String(sides[1].filter { $0 != "\\" })) : nil
    }
    return Dictionary(pairs) { first, _ in first }
  }

  func setting(_ name: String) throws -> String {
    guard let value = environment[name] else { throw NotMeasured("lab/cluster env does not tell \(name)") }
    return value
  }

  /// Runs `lab/cluster COMMAND`. Blocks.
  func lab(_ command: String, _ arguments: [String]) throws {
    let variables = ["ELASTIC_LOCAL_SOCKET": Self.socket(directory)]
    try Programs.run([Self.lab, command, directory] + arguments, variables: variables)
  }

  func lab(_ command: String, _ arguments: String...) throws { try lab(command, arguments) }

  /// Runs kubectl as administrator and returns what it printed. Blocks.
  @discardableResult
  func kubectl(_ arguments: [String]) throws -> String {
    let directories = try setting("PATH").split(separator: ":").map(String.init)
    guard let path = directories.map({ $0 + "/kubectl" }).first(where: { Files.exists($0) }) else {
      throw NotMeasured("kubectl is not installed")
    }
    return try Programs.run([path, "--kubeconfig", directory + "/kubeconfig.json"] + arguments)
  }

  @discardableResult
  func kubectl(_ arguments: String...) throws -> String { try kubectl(arguments) }

  /// Makes objects from their manifests. Blocks.
  func create(_ manifest: String) throws {
    let file = directory + "/manifest.yaml"
    try Files.writeDurably(Array(manifest.utf8), to: file)
    try kubectl("apply", "-f", file)
  }

  /// Makes a directory whose mounts are seen elsewhere, as a daemon wants it of its kubelet's root. Needs root. Blocks.
  func sharedDirectory(_ name: String) throws -> String {
    let path = "\(directory)/\(name)"
    try Files.makeDirectories(path, mode: 0o755)
    try Programs.run("mount", "--bind", path, path)
    try Programs.run("mount", "--make-rshared", path)
    return path
  }

  func auditLog() throws -> [AuditLog.Request] { try AuditLog.read(directory + "/logs/audit.log") }

  // MARK: its end

  private static func end(_ directory: String) throws {
    try Programs.run([lab, "stop", directory], cleansUp: true)
    for mount in try MountTable.current().below(directory).reversed() { try Mounting.unmount(mount.mountPoint) }
    // Disk images are still attached: a daemon that ends leaves its volumes as they are.
    for loop in try LoopDevice.all() where loop.backingFile.hasPrefix(directory + "/") {
      try LoopDevice.detach(loop.device)
    }
    try Files.removeTree(directory)
  }

  /// What the parts said last may tell why something could not be measured.
  private static func showLogs(_ directory: String) {
    let own = ((try? Files.list(directory + "/logs/own")) ?? []).map { "own/" + $0 }
    for name in ["etcd.log", "apiserver.log"] + own where name.hasSuffix(".log") {
      let bytes = (try? Files.readAll("\(directory)/logs/\(name)", limit: 1 << 30)) ?? []
      let lines = String(decoding: bytes.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(3)
      if !lines.isEmpty { Console.error("the end of \(name):\n\(lines.joined(separator: "\n"))") }
    }
  }
}
