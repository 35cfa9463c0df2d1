import LinuxSystem
import Testing

/// The cluster under test: the one of which `lab/cluster env` has told us in the environment.
enum Cluster {
  /// Where its state is; nil when there is none.
  static let directory = OwnProcess.environment["CLUSTER_DIRECTORY"]
  /// Its real node, on which the product is installed in pods; nil on somebody else's cluster, where it runs in processes.
  static let realNode = OwnProcess.environment["CLUSTER_NODE"]
  /// Whether it is a control plane without the product, for the tests that install it themselves.
  static let isBare = OwnProcess.environment["CLUSTER_BARE"] != nil
  /// The minor number of its release: 20 for Kubernetes 1.20. 0 where there is no cluster.
  static let minor = OwnProcess.environment["CLUSTER_MINOR"].flatMap { Int($0) } ?? 0
  /// Where the executables under test are: beside this one unless told.
  static let products: String =
    OwnProcess.environment["ELASTIC_LOCAL_PRODUCTS"]
    ?? Files.linkTarget("/proc/self/exe").map { $0.split(separator: "/").dropLast().map { "/" + $0 }.joined() } ?? "."
  /// The project's own directory.
  static let project = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()

  /// Runs kubectl as administrator, which has to succeed, and returns what it printed.
  @discardableResult
  static func kubectl(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws -> String {
    try kubectl(arguments, at: location)
  }

  @discardableResult
  static func kubectl(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> String {
    try run("/usr/bin/env", ["kubectl"] + arguments, at: location)
  }

  /// Runs kubectl for what is in a namespace.
  @discardableResult
  static func kubectl(
    in namespace: String, _ arguments: [String], at location: SourceLocation = #_sourceLocation
  ) throws -> String {
    try run("/usr/bin/env", ["kubectl", "--namespace", namespace] + arguments, at: location)
  }

  /// Runs a script of the shell on this machine, with kubectl on the path, and returns what it printed.
  @discardableResult
  static func shell(_ script: String, at location: SourceLocation = #_sourceLocation) throws -> String {
    try run("/bin/sh", ["-euc", script], at: location)
  }

  /// Runs a command in a pod's container.
  @discardableResult
  static func inside(
    _ pod: String, _ script: String, at location: SourceLocation = #_sourceLocation
  ) throws -> String {
    try run("/usr/bin/env", ["kubectl", "exec", pod, "--", "sh", "-c", script], at: location)
  }

  /// Runs `lab/cluster COMMAND` on this cluster.
  static func lab(
    _ command: String, _ arguments: String..., at location: SourceLocation = #_sourceLocation
  ) throws {
    try lab(command, arguments, at: location)
  }

  /// Runs `lab/cluster COMMAND` on this cluster.
  static func lab(_ command: String, _ arguments: [String], at location: SourceLocation = #_sourceLocation) throws {
    try run(project + "/lab/cluster", [command, path()] + arguments, at: location)
  }

  /// Runs `elastic-local-node COMMAND` against the node's daemon.
  @discardableResult
  static func node(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws -> String {
    guard realNode != nil else { return try run("\(products)/elastic-local-node", arguments, at: location) }
    let daemon = ["exec", "--namespace", "elastic-local", "daemonset/elastic-local-node", "--container", "node", "--"]
    return try run(
      "/usr/bin/env", ["kubectl"] + daemon + ["/usr/bin/elastic-local-node"] + arguments, at: location)
  }

  /// Runs one of the executables under test on this machine.
  static func part(
    _ executable: String, _ arguments: String..., at location: SourceLocation = #_sourceLocation
  ) throws -> String {
    try run("\(products)/\(executable)", arguments, at: location)
  }

  /// A path in the cluster's directory, or that itself.
  static func path(_ part: String? = nil) throws -> String {
    guard let directory else { throw Trouble("no cluster: lab/cluster-test starts one") }
    return part.map { directory + "/" + $0 } ?? directory
  }

  /// An administrator's kubeconfig.
  static func kubeconfig() throws -> String { try path("kubeconfig.json") }

  /// What the node's daemon has, as JSON.
  static func nodeStatus() throws -> String { try node("status", "--json") }

  /// Makes or changes objects, given as YAML or JSON.
  static func apply(_ manifest: String, at location: SourceLocation = #_sourceLocation) throws {
    let file = try path("manifest.yaml")
    try Files.writeDurably(Array(manifest.utf8), to: file, mode: 0o600)
    try run("/usr/bin/env", ["kubectl", "apply", "-f", file], at: location)
  }

  /// Sets a PV's phase, as a controller of Kubernetes would.
  static func setPhase(_ phase: String, of pv: String) throws {
    let script =
      "kubectl get pv \(pv) -o json | jq '.status.phase = \"\(phase)\"' "
      + "| kubectl replace --raw /api/v1/persistentvolumes/\(pv)/status -f -"
    try shell(script)
  }

  /// The messages of an object's Events.
  static func events(of kind: String, _ name: String) throws -> String {
    try kubectl(
      "get", "events", "--all-namespaces", "--field-selector",
      "involvedObject.kind=\(kind),involvedObject.name=\(name)", "-o",
      "jsonpath={.items[*].message}")
  }

  /// A storage class of ours.
  static func storageClass(_ name: String, _ more: String) -> String {
    """
    apiVersion: storage.k8s.io/v1
    kind: StorageClass
    metadata: {name: \(name), labels: {elastic-local-test: ""}}
    provisioner: elastic-local.volumes.k8s.elastic.co
    allowVolumeExpansion: true
    \(more)
    """
  }

  /// Waits until a pod's containers run; what the cluster says of the pod is in the error.
  static func awaitReady(
    _ pod: String, seconds: Int = 180, at location: SourceLocation = #_sourceLocation
  ) throws {
    let wait = ["kubectl", "wait", "--for=condition=Ready", "pod/\(pod)", "--timeout=\(seconds)s"]
    do {
      try run("/usr/bin/env", wait, at: location)
    } catch {
      throw Trouble("\(error)\n\(try kubectl("describe", "pod", pod))")
    }
  }

  @discardableResult
  private static func run(_ path: String, _ arguments: [String], at location: SourceLocation) throws -> String {
    let environment = OwnProcess.environment.map { "\($0.key)=\($0.value)" }
    let result = try ChildProcess.run(path, arguments, environment: environment, deadline: .seconds(400))
    guard result.isSuccess else {
      throw Trouble("\(location.line): \(arguments.joined(separator: " ")): \(result.status) \(result.output)")
    }
    return result.output
  }
}

/// Why a test cannot go on.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Looks again and again until something is true. What it is given is for a machine on a bad day.
func eventually(seconds: Int = 240, _ condition: () throws -> Bool) throws -> Bool {
  let limit = MonotonicClock.now() + .seconds(seconds)
  while MonotonicClock.now() < limit {
    if try condition() { return true }
    ThreadSleep.sleep(.milliseconds(200))
  }
  return try condition()
}
