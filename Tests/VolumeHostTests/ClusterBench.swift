import Synchronization
import VolumeHost

/// One node and its controller-manager in simulated time, with a driver that attaches.
final class ClusterBench {
  let time = SimulatedTime()
  let files = SimulatedFiles()
  let driver: SimulatedDriver
  let status = NodeStatus()
  let version: KubernetesVersion
  let controller: AttachController
  private(set) var node: NodeVolumes
  private let told = Told()
  private let host: PluginHost
  private var changes: [ScriptedChanges] = []

  init(_ version: String = "1.36") {
    self.version = Sample.version(version)
    driver = SimulatedDriver(time: time, files: files, attach: true)
    host = PluginHost(version: self.version, files: files, time: time)
    let watched = ScriptedChanges()
    let manager = Self.manager(watched, driver, host)
    let told = told
    controller = AttachController(host: host, manager: manager, status: status) { told.add($0) }
    node = NodeVolumes(host: host, manager: PluginManager(), status: status)
    changes = [watched]
    time.start { [controller] in await controller.reconcile() }
    startNode()
  }

  private static func manager(
    _ changes: ScriptedChanges, _ runner: SimulatedDriver, _ host: PluginHost
  ) -> PluginManager {
    changes.add(DriverChange(NodeBench.name, .addedOrUpdated))
    return PluginManager(probers: [FlexProber(directory: "/p", changes: changes, runner: runner, host: host)])
  }

  /// Starts a kubelet with these pods.
  func startNode(_ pods: Pod...) {
    let watched = ScriptedChanges()
    changes.append(watched)
    let told = told
    node = NodeVolumes(host: host, manager: Self.manager(watched, driver, host), status: status) { told.add($0) }
    time.perform { [node] in for pod in pods { await node.run(pod) } }
    time.start { [node] in await node.reconcile() }
    time.run(for: .zero)
  }

  func stopNode() { time.perform { [node] in await node.stop() } }

  /// Reports a change in the plugin directory to kubelet and controller-manager.
  func change(_ kind: DriverChange.Kind) {
    for watched in changes { watched.add(DriverChange(NodeBench.name, kind)) }
  }

  func run(_ pod: Pod, for duration: Duration = .seconds(2)) {
    time.perform { [controller, node] in
      await controller.update(pod)
      await node.run(pod)
    }
    time.run(for: duration)
  }

  /// Deletes a pod: its containers end, and it is removed.
  func delete(_ pod: Pod, for duration: Duration = .seconds(5)) {
    time.perform { [controller, node] in
      await controller.remove(pod.uid)
      await node.end(pod.uid)
    }
    time.run(for: .milliseconds(500))
    time.perform { [node] in await node.forget(pod.uid) }
    time.run(for: duration)
  }

  /// Deletes a pod while the kubelet is down.
  func deleteByForce(_ pod: Pod) { time.perform { [controller] in await controller.remove(pod.uid) } }

  var events: [NodeEvent] { told.all }
  var commands: [DriverCommand] { driver.commands }
  func isMounted(_ pod: Pod) -> Bool {
    files.mountCount(HostPaths().volume(pod.volumes[0].name, ofPod: pod.uid, driver: NodeBench.name)) > 0
  }

  /// Returns the driver's calls since the last time, without getvolumename and isattached.
  func take() -> [DriverCommand] {
    defer { taken = driver.commands.count }
    return driver.commands.dropFirst(taken).filter { $0 != .getVolumeName && $0 != .isAttached }
  }
  private var taken = 0
}

/// Collects Events of any task.
private final class Told: Sendable {
  private let events = Mutex<[NodeEvent]>([])
  var all: [NodeEvent] { events.withLock { $0 } }
  func add(_ event: NodeEvent) { events.withLock { $0.append(event) } }
}
