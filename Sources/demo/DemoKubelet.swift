import Synchronization
import VolumeHost

/// The kubelet, played by VolumeHost. It is told which pods there are. It finds the driver and makes all calls by
/// itself.
final class DemoKubelet: Sendable {
  /// The longest time for a pod to start or to end.
  private static let limit = Duration.seconds(60)

  private let node: NodeVolumes
  private let manager: PluginManager
  private let runner: PrintingRunner
  private let work: Task<Void, Never>
  private let events: EventList

  /// Starts as a kubelet does after its own start or the machine's: with these pods and the directories that it finds.
  init(root: String, plugins: String, runner: PrintingRunner, pods: [Pod] = []) async {
    self.runner = runner
    let host = PluginHost(paths: HostPaths(root: root), node: "demo", files: LinuxFiles(), time: SystemTime())
    let prober = FlexProber(directory: plugins, changes: DriverDirectory(plugins), runner: runner, host: host)
    let events = EventList()
    self.events = events
    manager = PluginManager(probers: [prober])
    let node = NodeVolumes(host: host, manager: manager) { event in
      events.add(event)
      StepPrinter.print("  event: \(event.reason) \(event.message)")
    }
    for pod in pods { await node.run(pod) }
    work = Task { await node.reconcile() }
    self.node = node
  }

  /// Returns the plugin of the driver.
  func plugin(for spec: VolumeSpec) async throws -> any VolumePlugin { try await manager.plugin(for: spec) }

  /// Tells the kubelet about a pod that is scheduled here or whose claim has changed. Waits until its containers could
  /// start.
  func run(_ pod: Pod) async throws {
    await node.run(pod)
    try await waitUntilReady(pod)
  }

  func waitUntilReady(_ pod: Pod) async throws {
    try require(await node.waitUntilReady(pod.uid, limit: Self.limit), "pod \(pod.name) does not start")
    try requireNoFailure()
  }

  /// Tells the kubelet that the pod is deleted. Does not wait.
  func end(_ pod: Pod) async { await node.end(pod.uid) }

  /// Waits until the node has no mount and no directory of the pod.
  func finish(_ pod: Pod) async throws {
    if await node.hasVolumes(pod.uid) {
      try require(await node.waitUntilGone(pod.uid, limit: Self.limit), "pod \(pod.name) does not end")
    }
    await node.forget(pod.uid)
    try require(await node.waitUntilGone(pod.uid, limit: Self.limit), "directories of pod \(pod.name) are left")
    try requireNoFailure()
  }

  /// Waits for the call that grows a mounted volume.
  func waitForGrowth() async throws {
    for _ in 0..<6000 {
      if events.hasGrowth { return }
      try requireNoFailure()
      try await Task.sleep(for: .milliseconds(10))
    }
    throw DemoFailure("the volume does not grow")
  }

  /// Ends as if the kubelet was killed.
  func kill() async {
    await node.stop()
    await work.value
  }

  private func requireNoFailure() throws {
    if let failure = events.failure { throw DemoFailure("\(failure.reason): \(failure.message)") }
  }
}

/// The Events of the pods.
private final class EventList: Sendable {
  private let events = Mutex<[NodeEvent]>([])

  var all: [NodeEvent] { events.withLock { $0 } }
  var hasGrowth: Bool { all.contains { $0.reason == Self.growth } }
  var failure: NodeEvent? { all.first { $0.reason != Self.growth } }

  private static let growth = "FileSystemResizeSuccessful"

  func add(_ event: NodeEvent) { events.withLock { $0.append(event) } }
}
