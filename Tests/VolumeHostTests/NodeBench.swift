import Synchronization
import VolumeHost

/// A node in simulated time, with one driver that does what the test sets.
final class NodeBench: Sendable {
  let time = SimulatedTime()
  let files = SimulatedFiles()
  let driver: SimulatedDriver
  let status = NodeStatus()
  let changes = ScriptedChanges()
  private let version: KubernetesVersion
  private let current: Mutex<NodeVolumes>
  private let told = Mutex<[NodeEvent]>([])

  init(_ version: String = "1.36", attach: Bool = false) {
    self.version = Sample.version(version)
    driver = SimulatedDriver(time: time, files: files, attach: attach)
    current = Mutex(NodeVolumes(host: PluginHost(files: files, time: time), manager: PluginManager()))
    restart()
  }

  var node: NodeVolumes { current.withLock { $0 } }
  var events: [NodeEvent] { told.withLock { $0 } }
  static let name = Sample.driver("example.org/bind")

  /// Starts a new kubelet on the same node, with these pods.
  func restart(_ pods: Pod...) {
    let old = node
    time.perform { await old.stop() }
    changes.add(DriverChange(Self.name, .addedOrUpdated))
    let host = PluginHost(version: version, files: files, time: time)
    let prober = FlexProber(directory: "/p", changes: changes, runner: driver, host: host)
    let new = NodeVolumes(host: host, manager: PluginManager(probers: [prober]), status: status) { event in
      self.told.withLock { $0.append(event) }
    }
    current.withLock { $0 = new }
    time.perform { for pod in pods { await new.run(pod) } }
    time.start { await new.reconcile() }
    time.run(for: .zero)
  }

  func run(_ pod: Pod) { time.perform { [node] in await node.run(pod) } }
  func end(_ pod: Pod) { time.perform { [node] in await node.end(pod.uid) } }
  func forget(_ pod: Pod) { time.perform { [node] in await node.forget(pod.uid) } }

  func isReady(_ pod: Pod) -> Bool {
    let answer = Answer()
    time.perform { [node] in answer.set(await node.isReady(pod.uid)) }
    return answer.value
  }

  func problem(_ pod: Pod) -> String? {
    let found = Found()
    time.perform { [node] in found.set(await node.problem(pod.uid)) }
    return found.value
  }

  func path(_ pod: Pod) -> String {
    HostPaths().volume(pod.volumes[0].name, ofPod: pod.uid, driver: Self.name)
  }
}

/// A value that a task sets.
final class Answer: Sendable {
  private let state = Mutex(false)
  var value: Bool { state.withLock { $0 } }
  func set(_ value: Bool) { state.withLock { $0 = value } }
}

/// A text that a task sets.
private final class Found: Sendable {
  private let state = Mutex<String?>(nil)
  var value: String? { state.withLock { $0 } }
  func set(_ value: String?) { state.withLock { $0 = value } }
}

/// A driver that mounts and unmounts in memory, or fails.
final class SimulatedDriver: DriverRunner {
  struct Call: Hashable, Sendable {
    let time: Duration
    let command: DriverCommand
    let arguments: [String]
    let limit: Duration?
  }

  private struct State {
    var calls: [Call] = []
    var failing: Set<DriverCommand> = []
    var delays: [DriverCommand: Duration] = [:]
    var answers: [DriverCommand: String] = [:]
  }

  private let state = Mutex(State())
  private let time: SimulatedTime
  private let files: SimulatedFiles
  private let attach: Bool

  init(time: SimulatedTime, files: SimulatedFiles, attach: Bool) {
    self.time = time
    self.files = files
    self.attach = attach
  }

  var calls: [Call] { state.withLock { $0.calls } }
  var commands: [DriverCommand] { calls.map(\.command).filter { $0 != .initialize } }
  func times(_ command: DriverCommand) -> [Duration] { calls.filter { $0.command == command }.map(\.time) }
  func fail(_ command: DriverCommand, _ fails: Bool = true) {
    state.withLock { if fails { $0.failing.insert(command) } else { $0.failing.remove(command) } }
  }
  func answer(_ command: DriverCommand, _ text: String) { state.withLock { $0.answers[command] = text } }
  func delay(_ command: DriverCommand, _ delay: Duration) { state.withLock { $0.delays[command] = delay } }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    let (fails, delay) = state.withLock { state in
      state.calls.append(Call(time: time.now, command: call.command, arguments: call.arguments, limit: limit))
      return (state.failing.contains(call.command), state.delays[call.command])
    }
    if let delay { await time.sleep(for: delay) }
    if fails { return DriverProcess(output: #"{"status":"Failure","message":"no"}"#, end: .exited(1)) }
    return DriverProcess(output: state.withLock { $0.answers[call.command] } ?? answer(call))
  }

  private func answer(_ call: DriverCall) -> String {
    let path = call.arguments.first ?? ""
    switch call.command {
    case .initialize: return #"{"status":"Success","capabilities":{"attach":\#(attach)}}"#
    case .mount, .mountDevice:
      guard (try? files.mount(path, isForeign: true)) != nil else {
        return #"{"status":"Failure","message":"no directory"}"#
      }
    case .unmount, .unmountDevice: files.removeMount(path)
    case .attach, .waitForAttach: return #"{"status":"Success","device":"/dev/x"}"#
    case .isAttached: return #"{"status":"Success","attached":true}"#
    case .getVolumeName: return #"{"status":"Not supported"}"#
    default: break
    }
    return #"{"status":"Success"}"#
  }
}
