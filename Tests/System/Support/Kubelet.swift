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

  private let status = NodeStatus()
  private let state = Mutex(State())

  private struct State {
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

// MARK: - Starting and stopping

extension Kubelet {
  /// The volumes' manager; starts it, and the controller-manager's part, where that has not been done.
  func running() async -> NodeVolumes {
    if let node = state.withLock(\.node) { return node }
    if kind.isAttaching, state.withLock({ $0.controller == nil }) { await startController() }
    // So that tests need not wait for the housekeeping, which makes no call.
    var settings = NodeSettings()
    settings.housekeeping = .zero
    let node = NodeVolumes(host: host, manager: manager(), status: status, settings: settings) { [weak self] event in
      self?.state.withLock { $0.events.append(event) }
    }
    for pod in pods { await node.run(pod) }
    let work = Task { await node.reconcile() }
    state.withLock { state in
      state.node = node
      state.work.append(work)
    }
    return node
  }

  private func startController() async {
    let controller = AttachController(host: host, manager: manager(), status: status) { [weak self] event in
      self?.state.withLock { $0.events.append(event) }
    }
    for pod in pods { await controller.update(pod) }
    let work = Task { await controller.reconcile() }
    state.withLock { state in
      state.controller = controller
      state.work.append(work)
    }
  }

  /// Each has plugins of its own, found by looking into the plugin directory.
  private func manager() -> PluginManager {
    let changes = DriverDirectory(pluginDirectory)
    return PluginManager(
      probers: [FlexProber(directory: pluginDirectory, changes: changes, runner: runner, host: host)])
  }

  /// Ends as if killed: whatever it knew is lost. The controller-manager goes on.
  func kill() async {
    let node = state.withLock { state in
      defer { state.node = nil }
      return state.node
    }
    await node?.stop()
  }

  /// Is killed, and comes back; pods named here were deleted meanwhile. Returns when all its pods are ready.
  func restart(without gone: String...) async throws {
    await kill()
    try await comeBack(without: gone)
  }

  /// Starts with the pods it had, but those that were deleted meanwhile.
  func comeBack(without gone: [String] = []) async throws {
    state.withLock { state in state.pods.removeAll { gone.contains($0.uid) } }
    for uid in gone { await state.withLock(\.controller)?.remove(uid) }
    let node = await running()
    for pod in pods {
      guard await node.waitUntilReady(pod.uid, limit: .seconds(60)) else {
        throw Trouble("pod \(pod.uid) is not ready after the kubelet's restart: \(events.last?.message ?? "")")
      }
    }
  }

  /// Stops everything and waits for its end.
  func shutDown() async {
    await kill()
    let (controller, work) = state.withLock { state in
      defer { (state.controller, state.work) = (nil, []) }
      return (state.controller, state.work)
    }
    await controller?.stop()
    for task in work {
      task.cancel()
      await task.value
    }
  }
}

// MARK: - Pods

extension Kubelet {
  /// A pod that is scheduled here, or has changed.
  func run(_ pod: Pod) async {
    state.withLock { state in
      state.pods.removeAll { $0.uid == pod.uid }
      state.pods.append(pod)
      state.known.insert(pod.uid)
    }
    await running().run(pod)
    await state.withLock(\.controller)?.update(pod)
  }

  func isReady(_ uid: String) async -> Bool { await running().isReady(uid) }

  /// Waits until a pod is ready, or until something has gone wrong since event number `since`.
  func start(of uid: String, since: Int, seconds: Double = 120) async -> Answer {
    let question = "start of pod \(uid)"
    var failure: NodeEvent?
    let isOver = await eventually(seconds: seconds) {
      failure = events.dropFirst(since).first {
        $0.reason.hasPrefix("Failed") && ($0.pod == uid || $0.pod.isEmpty && uid.hasSuffix($0.volume))
      }
      if failure != nil { return true }
      return await isReady(uid)
    }
    if let failure { return .failure(question, failure.message) }
    return isOver ? .success(question) : .failure(question, "neither ready nor failed after \(seconds) s")
  }

  /// The pod is deleted. Does not wait.
  func end(_ uid: String) async {
    state.withLock { state in state.pods.removeAll { $0.uid == uid } }
    await running().end(uid)
  }

  /// Waits until a deleted pod has left nothing on the node.
  func finish(_ uid: String, seconds: Int64 = 120) async -> Answer {
    let (node, began) = (await running(), runner.records.count)
    // Until its volumes are gone the pod stays in the API; one that was never mounted keeps nobody.
    if await node.hasVolumes(uid) { _ = await node.waitUntilGone(uid, limit: .seconds(seconds)) }
    await node.forget(uid)
    await state.withLock(\.controller)?.remove(uid)
    if await node.waitUntilGone(uid, limit: .seconds(seconds)) { return .success("end of pod \(uid)") }
    let failures = runner.records.dropFirst(began).map { "\($0.call.command.rawValue): \($0.outcome)" }
    return .failure("end of pod \(uid)", failures.joined(separator: "; "))
  }
}
