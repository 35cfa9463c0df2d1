import Synchronization
import VolumeHost

/// A cluster of one node in simulated time, driven by a trace.
final class ReplayWorld {
  private let version: KubernetesVersion
  private let time = SimulatedTime()
  private let files = SimulatedFiles()
  private let runner: ReplayRunner
  private let status = NodeStatus()

  private var node: NodeVolumes
  private var controller: AttachController
  private var nodeChanges = ScriptedChanges()
  private var controllerChanges = ScriptedChanges()
  private var managers: [String: PluginManager] = [:]
  private var nodeIsUp = false
  private var installed: Set<DriverName> = []
  private var pods: [String: Pod] = [:]
  private var controllerPods: [String: Pod] = [:]
  private let secrets = RecordedSecrets()

  init(version: KubernetesVersion) {
    self.version = version
    runner = ReplayRunner(time: time, files: files)
    let host = PluginHost(version: version, files: files, time: time)
    node = NodeVolumes(host: host, manager: PluginManager())
    controller = AttachController(host: host, manager: PluginManager(), status: status)
    startNode(attaches: false)
    startController(withDrivers: true)
  }

  /// Plays one situation and returns the differences. None means that it played as recorded.
  func play(_ situation: Situation) -> [String] {
    runner.expect(situation.calls.map(\.call))
    for line in situation.lines where line.call == nil {
      time.run(until: .milliseconds(Int64(line.t * 1000)))
      happen(line)
    }
    time.run(until: .milliseconds(Int64((situation.head.end ?? situation.head.t) * 1000)))
    let (made, problems) = runner.take()
    let ignored = situation.head.deviation?.of
    return problems.filter { !isIgnored($0, ignored) } + order(made, situation)
  }

  private func isIgnored(_ problem: String, _ deviation: String?) -> Bool {
    guard let deviation else { return false }
    let words = deviation.split(separator: " ")
    return words.allSatisfy { problem.contains($0) } && problem.hasPrefix("not made")
  }

  /// Compares the order of each caller's calls with the recorded order.
  private func order(_ made: [MadeCall], _ situation: Situation) -> [String] {
    ["kubelet", "controller"].compactMap { caller in
      let recorded = situation.calls.filter { $0.call.caller == caller }
        .map { TimedCall($0.call.line, start: $0.t, end: $0.t + $0.call.dur) }
      let ours = made.filter { $0.caller == caller }
        .map { TimedCall($0.line, start: $0.time / .seconds(1), end: $0.time / .seconds(1)) }
      let difference = CallOrder.difference(
        recorded: compared(recorded, situation), made: compared(ours, situation))
      return difference.map { "\(caller): \($0)" }
    }
  }

  /// Leaves out the calls named by a deviation: all calls of its command except the first.
  private func compared(_ calls: [TimedCall], _ situation: Situation) -> [TimedCall] {
    guard let command = situation.head.deviation?.of.split(separator: " ").last else { return calls }
    let first = calls.firstIndex { $0.command == command }
    return calls.indices.filter { calls[$0].command != command || $0 == first }.map { calls[$0] }
  }
}

// Events from outside.
extension ReplayWorld {
  private func happen(_ line: TraceLine) {
    switch line.do {
    case "run": if let pod = line.pod { run(pod) }
    case "controller-run": if let pod = line.pod?.pod { controllerRun(pod) }
    case "end": if let uid = line.uid { end(uid) }
    case "controller-end": if let uid = line.uid { controllerEnd(uid) }
    case "forget": if let uid = line.uid, nodeIsUp { perform { await $0.forget(uid) } }
    case "sync": sync(line.uid)
    case "controller-sync": controllerSync()
    case "verification": verify(at: .milliseconds(Int64((line.until ?? 0) * 1000)))
    case "stop-node": stopNode()
    case "start-node": startNode(attaches: line.attaches ?? false)
    case "stop-controller": time.perform { [controller] in await controller.stop() }
    case "start-controller": startController(withDrivers: !(line.without ?? false))
    case "silent": runner.silence(until: .seconds(line.until ?? 0), signal: line.signal ?? 0)
    default: accident(line)
    }
  }

  private func accident(_ line: TraceLine) {
    switch line.do {
    case "loaded": if let name = line.driver, let driver = DriverName(name) { load(driver, line) }
    case "driver": change(line.driver, .addedOrUpdated)
    case "driver-gone": change(line.driver, .removed)
    case "reboot": files.removeAllMounts()
    case "unmounted": if let path = line.path { files.removeMount(path) }
    case "dead":
      for path in mountedVolumes { files.killServer(of: path) }
    case "file": files.addFile(line.path ?? "")
    default: preconditionFailure("the trace says \(line.do ?? "nothing")")
    }
  }

  private var mountedVolumes: [String] {
    pods.values.flatMap { pod in
      pod.volumes.compactMap { spec in
        DriverName(spec.source.driver).map { HostPaths().volume(spec.name, ofPod: pod.uid, driver: $0) }
      }
    }.filter { files.mountCount($0) > 0 }
  }

  private func perform(_ body: @escaping @Sendable (NodeVolumes) async -> Void) {
    time.perform { [node] in await body(node) }
  }

  /// Any pod sync makes the kubelet probe for plugins, also the sync of a pod without our volumes.
  private func sync(_ uid: String?) {
    if let uid = uid ?? pods.keys.min() { return perform { await $0.sync(uid) } }
    // There is no such plugin. Only the probe by the query matters.
    time.perform { [managers] in _ = try? await managers["kubelet"]?.plugin(named: "none") }
  }

  private func run(_ recorded: RecordedPod) {
    let pod = recorded.pod
    for secret in recorded.volumes.compactMap(\.secret) { secrets.set(secret) }
    pods[pod.uid] = pod
    if nodeIsUp { perform { await $0.run(pod) } }
  }

  private func end(_ uid: String) {
    pods[uid] = nil
    if nodeIsUp { perform { await $0.end(uid) } }
  }

  private func controllerRun(_ pod: Pod) {
    controllerPods[pod.uid] = pod
    time.perform { [controller] in await controller.update(pod) }
  }

  private func controllerEnd(_ uid: String) {
    controllerPods[uid] = nil
    time.perform { [controller] in await controller.remove(uid) }
  }

  /// Any event of any pod makes the controller-manager probe for plugins.
  private func controllerSync() {
    let pod =
      controllerPods.values.min { $0.uid < $1.uid }
      ?? Pod(name: "other", uid: "other", volumes: [.inline("o", FlexSource(driver: "none"))])
    time.perform { [controller] in await controller.update(pod) }
  }

  private func verify(at next: Duration) {
    time.perform { [controller] in await controller.verify(at: next) }
  }

  private func load(_ driver: DriverName, _ line: TraceLine) {
    for caller in ["kubelet", "controller"] {
      runner.load(driver, for: caller, line.out ?? "", without: line.missing?[caller] ?? [])
    }
    change(driver.description, .addedOrUpdated)
    time.perform { [managers] in for manager in managers.values { await manager.probe() } }
    time.run(for: .zero)
  }

  private func change(_ name: String?, _ kind: DriverChange.Kind) {
    guard let driver = name.flatMap({ DriverName($0) }) else { return }
    if kind == .removed { installed.remove(driver) } else { installed.insert(driver) }
    nodeChanges.add(DriverChange(driver, kind))
    controllerChanges.add(DriverChange(driver, kind))
  }

  private func manager(_ caller: String, _ changes: ScriptedChanges, _ host: PluginHost) -> PluginManager {
    let manager = PluginManager(probers: [
      FlexProber(directory: "/plugins", changes: changes, runner: runner.runner(for: caller), host: host)
    ])
    managers[caller] = manager
    return manager
  }

  private func everything() -> ScriptedChanges {
    let changes = ScriptedChanges()
    for driver in installed.sorted() { changes.add(DriverChange(driver, .addedOrUpdated)) }
    return changes
  }

  private func stopNode() {
    nodeIsUp = false
    perform { await $0.stop() }
  }

  private func startNode(attaches: Bool) {
    var behaviour = HostBehaviour()
    behaviour.controllerAttaches = !attaches
    nodeChanges = everything()
    let host = PluginHost(version: version, files: files, time: time, secrets: secrets)
    node = NodeVolumes(
      host: host, manager: manager("kubelet", nodeChanges, host), status: status, behaviour: behaviour)
    nodeIsUp = true
    let pods = pods.values.sorted { $0.uid < $1.uid }
    perform { node in for pod in pods { await node.run(pod) } }
    time.start { [node] in await node.reconcile() }
    time.run(for: .zero)
  }

  private func startController(withDrivers: Bool) {
    controllerChanges = withDrivers ? everything() : ScriptedChanges()
    let host = PluginHost(version: version, files: files, time: time)
    controller = AttachController(
      host: host, manager: manager("controller", controllerChanges, host), status: status)
    let pods = controllerPods.values.sorted { $0.uid < $1.uid }
    time.perform { [controller] in for pod in pods { await controller.update(pod) } }
    time.start { [controller] in await controller.reconcile() }
    time.run(for: .zero)
  }
}

/// The secrets of the recorded pods.
private final class RecordedSecrets: SecretSource {
  private let known = Mutex<[String: Secret]>([:])

  func set(_ recorded: RecordedSecret) { known.withLock { $0[recorded.name] = recorded.secret } }
  func secret(_ name: String, namespace: String) async -> Secret? { known.withLock { $0[name] } }
}
