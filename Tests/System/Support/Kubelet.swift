import LinuxSystem
import Synchronization
import VolumeHost

/// The kubelet of a node, played by `VolumeHost` with the real client, real files and real time, and the part of the
/// controller-manager that attaches. It knows the pods that it is told, as if from the API server, also after a restart.
final class Kubelet: Sendable {
  /// Which client is installed, and which release plays.
  struct Kind: Sendable, CustomStringConvertible {
    let version: KubernetesVersion
    let isAttaching: Bool

    var description: String { "kubelet \(version)\(isAttaching ? ", attaching" : "")" }

    /// The two releases that other kubelets are compared with: what they do was recorded.
    static let old = Kind("1.20")
    static let new = Kind("1.36")
    static let oldAttaching = Kind("1.20", isAttaching: true)
    static let newAttaching = Kind("1.36", isAttaching: true)

    init(_ version: String = "1.36", isAttaching: Bool = false) {
      guard let version = KubernetesVersion(version) else { preconditionFailure("\(version) is no known release") }
      self.version = version
      self.isAttaching = isAttaching
    }
  }

  let kind: Kind
  let host: PluginHost
  let runner: WatchedRunner
  /// Where the client is installed, laid out as the kubelet's: `<vendor~driver>/<driver>`.
  let pluginDirectory: String

  /// What the kubelet and the controller-manager tell each other.
  let status = NodeStatus()
  let state = Mutex(State())

  struct State {
    var pods: [Pod] = []
    var events: [NodeEvent] = []
    /// All that there ever were.
    var known: Set<String> = []
    var node: NodeVolumes?
    var controller: AttachController?
    var work: [Task<Void, Never>] = []
  }

  /// The driver's name.
  static let driver: DriverName = {
    guard let name = DriverName("volumes.k8s.elastic.co/elastic-local") else { preconditionFailure("a driver's name") }
    return name
  }()

  /// A kubelet that does not run yet. Installs the client.
  init(root: String, pluginDirectory: String, socket: String, kind: Kind) throws {
    self.kind = kind
    self.pluginDirectory = pluginDirectory
    runner = WatchedRunner(socket: socket)
    host = PluginHost(
      version: kind.version, paths: HostPaths(root: root), node: "lab-node", files: LinuxFiles(), time: SystemTime())
    let client = try Files.readAll(kind.isAttaching ? Products.attachingClient : Products.client, limit: 64 << 20)
    let path = "\(pluginDirectory)/\(Self.driver.executable)"
    try Files.makeDirectories(parent(of: path), mode: 0o755)
    try Files.writeDurably(client, to: path, mode: 0o755)
  }

  /// A driver that has been told nothing yet, for single calls.
  var client: FlexDriver {
    FlexDriver(name: Self.driver, pluginDirectory: pluginDirectory, version: kind.version, runner: runner)
  }

  var pods: [Pod] { state.withLock(\.pods) }
  var events: [NodeEvent] { state.withLock(\.events) }
  /// Directories of pods that have gone.
  var leftDirectories: [String] {
    state.withLock(\.known).filter { Files.exists(host.paths.pod($0)) && !pods.map(\.uid).contains($0) }.sorted()
  }
  /// Volumes that are attached, or in use by the kubelet: none is when all has come to its end.
  var devicesInUse: [String] { (status.attached.keys.map(\.text) + status.inUse.map(\.text)).sorted() }
}
