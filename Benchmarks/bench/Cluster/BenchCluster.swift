import CommandLineTool
import KubernetesAPI
import LinuxSystem
import RunningPrograms

/// A cluster of `lab/cluster` to measure. It has the objects of `kubectl apply -k daemonset/` without the workloads,
/// which run as processes.
struct BenchCluster: Sendable {
  let directory: String
  /// Has the administrator's rights.
  let client: APIClient
  private let environment: [String: String]

  private static let lab = Lab.project + "/lab/cluster"
  private static let manifests = [
    "namespace", "storage-class", "csi-driver", "node-storage-crd", "node-rbac", "provisioner-rbac",
  ]

  /// Starts a cluster, runs the body, and stops the cluster. Blocks.
  ///
  /// - Parameter variables: the environment of `lab/cluster start`.
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
        // The first error counts, not an error of the cleanup.
        try? end(directory)
      }
      throw error
    }
    try end(directory)
  }

  /// The socket of kubelet's calls.
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

  /// Parses the output of `lab/cluster env`: `export NAME=VALUE`, in which a backslash quotes the next character.
  private static func environment(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
      let sides = line.drop { $0 != " " }.dropFirst().split(separator: "=", maxSplits: 1)
      return sides.count == 2 ? (String(sides[0]), String(sides[1].filter { $0 != "\\" })) : nil
    }
    return Dictionary(pairs) { first, _ in first }
  }

  func setting(_ name: String) throws -> String {
    guard let value = environment[name] else { throw NotMeasured("lab/cluster env does not print \(name)") }
    return value
  }

  /// Runs `lab/cluster COMMAND`. Blocks.
  func lab(_ command: String, _ arguments: [String]) throws {
    let variables = ["ELASTIC_LOCAL_SOCKET": Self.socket(directory)]
    try Programs.run([Self.lab, command, directory] + arguments, variables: variables)
  }

  func lab(_ command: String, _ arguments: String...) throws { try lab(command, arguments) }

  /// Runs kubectl as administrator. Returns its output. Blocks.
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

  /// Creates objects from their manifests. Blocks.
  func create(_ manifest: String) throws {
    let file = directory + "/manifest.yaml"
    try Files.writeDurably(Array(manifest.utf8), to: file)
    try kubectl("apply", "-f", file)
  }

  /// Creates a directory with shared mount propagation, which a daemon requires of kubelet's root directory. Needs
  /// root. Blocks.
  func sharedDirectory(_ name: String) throws -> String {
    let path = "\(directory)/\(name)"
    try Files.makeDirectories(path, mode: 0o755)
    try Programs.run("mount", "--bind", path, path)
    try Programs.run("mount", "--make-rshared", path)
    return path
  }

  func auditLog() throws -> [AuditLog.Request] { try AuditLog.read(directory + "/logs/audit.log") }

  // MARK: stopping

  private static func end(_ directory: String) throws {
    try Programs.run([lab, "stop", directory], cleansUp: true)
    for mount in try MountTable.current().below(directory).reversed() { try Mounting.unmount(mount.mountPoint) }
    // Disk images are still attached, because a daemon leaves its volumes as they are when it ends.
    for loop in try LoopDevice.all() where loop.backingFile.hasPrefix(directory + "/") {
      try LoopDevice.detach(loop.device)
    }
    try Files.removeTree(directory)
  }

  /// Prints the last log lines of all parts, which may show why a measurement failed.
  private static func showLogs(_ directory: String) {
    let own = ((try? Files.list(directory + "/logs/own")) ?? []).map { "own/" + $0 }
    for name in ["etcd.log", "apiserver.log"] + own where name.hasSuffix(".log") {
      let bytes = (try? Files.readAll("\(directory)/logs/\(name)", limit: 1 << 30)) ?? []
      let lines = String(decoding: bytes.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(3)
      if !lines.isEmpty { Console.error("the end of \(name):\n\(lines.joined(separator: "\n"))") }
    }
  }
}
