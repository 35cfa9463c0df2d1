/// The controller-manager's part for one node: attaches what its pods want, detaches what none wants, and looks every minute
/// whether what is attached still is.
///
/// It has plugins of its own: in a cluster it runs elsewhere, and a driver that attaches has to be installed there as well.
public actor AttachController {
  let host: PluginHost
  let manager: PluginManager
  let status: NodeStatus
  let wakeUp = WakeUp()
  let tell: @Sendable (NodeEvent) -> Void

  struct Known {
    let spec: VolumeSpec
    var pods: Set<String> = []
    var isAttached: Bool
    /// An attempt to attach it has failed: it may be attached all the same, and is detached when nobody wants it.
    var isUncertain = false
    /// Since when nobody wants it.
    var unwantedSince: Duration?
  }

  var known: [UniqueVolumeName: Known] = [:]
  private var waiting: [Pod] = []
  var operations: Operations
  var nextVerification: Duration
  var isStopped = false

  /// How long a volume that the kubelet still reports in use is not detached: six minutes, for a node that is dead.
  public static let longestUse = Duration.seconds(360)
  /// How often attached volumes are verified.
  public static let verificationPeriod = Duration.seconds(60)
  private static let period = Duration.milliseconds(100)

  /// The controller of a node. `firstVerification` is when it first verifies; nil is a minute from now.
  public init(
    host: PluginHost, manager: PluginManager, status: NodeStatus, firstVerification: Duration? = nil,
    events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
  ) {
    self.host = host
    self.manager = manager
    self.status = status
    tell = events
    operations = Operations(version: host.version)
    nextVerification = firstVerification ?? host.time.now + Self.verificationPeriod
  }

  /// A pod of the node that is new or has changed.
  public func update(_ pod: Pod) {
    waiting.removeAll { $0.uid == pod.uid }
    waiting.append(pod)
    wakeUp.signal()
  }

  /// A pod that needs its volumes no more.
  public func remove(_ uid: String) {
    waiting.removeAll { $0.uid == uid }
    for (volume, var entry) in known where entry.pods.remove(uid) != nil {
      if entry.pods.isEmpty { entry.unwantedSince = host.time.now }
      known[volume] = entry
    }
    wakeUp.signal()
  }

  /// Moves the next verification, whose phase depends on when the process started.
  package func verify(at time: Duration) {
    nextVerification = time
    wakeUp.signal()
  }

  /// Ends like a process that is killed.
  public func stop() {
    isStopped = true
    wakeUp.signal()
  }

  /// Works until cancelled or stopped.
  public func reconcile() async {
    status.wake(wakeUp)
    if host.version.probesAtStart { await manager.probe() }
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled, !isStopped {
        await populate()
        let (ready, due) = plan()
        for step in ready { group.addTask { await self.perform(step) } }
        let beats = (min(due ?? nextVerification, nextVerification) / Self.period).rounded(.up)
        await wakeUp.wait(until: Self.period * Int(beats), host.time)
      }
    }
  }

  private func populate() async {
    while !waiting.isEmpty {
      let pod = waiting.removeFirst()
      for spec in pod.volumes {
        // A volume without a plugin here is the kubelet's business, or nobody's.
        guard let plugin = try? await manager.attachable(for: spec), let name = try? await plugin.volumeName(of: spec)
        else { continue }
        let unique = UniqueVolumeName.device(plugin: plugin.name, volume: name)
        var entry = known[unique] ?? Known(spec: spec, isAttached: status.attached[unique] != nil)
        entry.pods.insert(pod.uid)
        entry.unwantedSince = nil
        known[unique] = entry
      }
    }
  }
}
