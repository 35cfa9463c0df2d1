/// The controller-manager's part for one node. It attaches the volumes that pods need and detaches those that no pod
/// needs. Every minute it verifies that attached volumes are still attached.
///
/// It has its own plugins. In a cluster it runs on another host, and a driver that attaches must be installed there
/// too.
public actor AttachController {
  let host: PluginHost
  let manager: PluginManager
  let status: NodeStatus
  let wakeUp = WakeUp()
  let sendEvent: @Sendable (NodeEvent) -> Void

  struct Known {
    let spec: VolumeSpec
    var pods: Set<String> = []
    var isAttached: Bool
    /// An attempt to attach the volume failed. It may be attached anyway, and is detached when no pod needs it.
    var isUncertain = false
    /// The time since when no pod needs the volume.
    var unwantedSince: Duration?
  }

  var known: [UniqueVolumeName: Known] = [:]
  private var waiting: [Pod] = []
  var operations: Operations
  var nextVerification: Duration
  var isStopped = false

  /// How long a volume that the kubelet reports in use is not detached: six minutes, after which the node counts as
  /// dead.
  public static let longestUse = Duration.seconds(360)
  /// The time between two verifications of the attached volumes.
  public static let verificationPeriod = Duration.seconds(60)
  private static let period = Duration.milliseconds(100)

  /// Creates the controller of a node. `firstVerification` is the time of the first verification; nil is a minute from
  /// now.
  public init(
    host: PluginHost, manager: PluginManager, status: NodeStatus, firstVerification: Duration? = nil,
    events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
  ) {
    self.host = host
    self.manager = manager
    self.status = status
    sendEvent = events
    operations = Operations(version: host.version)
    nextVerification = firstVerification ?? host.time.now + Self.verificationPeriod
  }

  /// Adds or updates a pod of the node.
  public func update(_ pod: Pod) {
    waiting.removeAll { $0.uid == pod.uid }
    waiting.append(pod)
    wakeUp.signal()
  }

  /// Removes a pod that no longer needs its volumes.
  public func remove(_ uid: String) {
    waiting.removeAll { $0.uid == uid }
    for (volume, var entry) in known where entry.pods.remove(uid) != nil {
      if entry.pods.isEmpty { entry.unwantedSince = host.time.now }
      known[volume] = entry
    }
    wakeUp.signal()
  }

  /// Moves the next verification. Its phase depends on when the process started.
  package func verify(at time: Duration) {
    nextVerification = time
    wakeUp.signal()
  }

  /// Ends like a process that is killed.
  public func stop() {
    isStopped = true
    wakeUp.signal()
  }

  /// Attaches and detaches until it is cancelled or stopped. Suspends in between.
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
        // A volume without a plugin here belongs to the kubelet, or to no plugin.
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
