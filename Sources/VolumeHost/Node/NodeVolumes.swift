/// The volumes of one node. It mounts and unmounts them as its pods need, as a kubelet's volume manager does.
///
/// Report the pods that run (`run`), whose containers have ended (`end`) and that are removed (`forget`). `reconcile`
/// does the rest until it is cancelled. Its state is in memory only. As after a restart of a kubelet, a new instance
/// finds the volumes by their directories.
///
/// Operations on one volume never run concurrently. Different volumes do not wait for each other; with drivers that do
/// not attach, neither do different pods. Only `waitforattach` has a time limit.
public actor NodeVolumes {
  let host: PluginHost
  let manager: PluginManager
  let status: NodeStatus
  let behaviour: HostBehaviour
  let wakeUp = WakeUp()
  private let sendEvent: @Sendable (NodeEvent) -> Void

  var desired = DesiredPods()
  var actual: [UniqueVolumeName: ActualVolume] = [:]
  var operations: Operations
  /// The removed pods whose directories may still exist.
  var orphans: Set<String> = []
  /// The volumes in use that the node's status does not report yet, with the time since when.
  private var usedSince: [UniqueVolumeName: Duration] = [:]
  private var nextHousekeeping = Duration.zero
  private(set) var isStopped = false
  /// The waiting callers, woken after each round.
  var observers: [WakeUp] = []
  /// The number of running operations of each pod.
  var underWay: [String: Int] = [:]
  /// The directories found at a restart that could not be reconstructed.
  var leftovers: [Leftover] = []

  /// Creates the volumes of a node. `events` receives the Events for users.
  public init(
    host: PluginHost, manager: PluginManager, status: NodeStatus = NodeStatus(),
    behaviour: HostBehaviour = HostBehaviour(),
    events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
  ) {
    self.host = host
    self.manager = manager
    self.status = status
    self.behaviour = behaviour
    sendEvent = events
    operations = Operations(version: host.version)
  }

  /// Adds or updates a pod that runs here.
  public func run(_ pod: Pod) {
    desired.set(pod)
    orphans.remove(pod.uid)
    wakeUp.signal()
  }

  /// Processes a pod again, as at each pod sync of a kubelet.
  public func sync(_ uid: String) {
    desired.update(uid) { $0.dueAt = .zero }
    wakeUp.signal()
  }

  /// Reports that a pod's containers have ended. Its mounted volumes are no longer needed. A volume that could not be
  /// mounted yet is still tried until `forget`.
  public func end(_ uid: String) {
    desired.update(uid) { entry in
      entry.hasEnded = true
      entry.dueAt = nil
    }
    wakeUp.signal()
  }

  /// Reports that a pod is removed from the API. Its directories are cleaned up.
  public func forget(_ uid: String) {
    desired.remove(uid)
    orphans.insert(uid)
    nextHousekeeping = min(nextHousekeeping, host.time.now + behaviour.housekeeping)
    wakeUp.signal()
  }

  /// Stops like a kubelet that is killed. Nothing new is started, and running operations have no effect any more.
  /// Running drivers continue.
  public func stop() {
    isStopped = true
    wakeUp.signal()
    for observer in observers { observer.signal() }
  }

  /// Takes up the volumes on disk, then works until it is cancelled or stopped. The pods reported before this call
  /// count as known at the start. Suspends in between.
  public func reconcile() async {
    await withDiscardingTaskGroup { group in
      await start()
      for leftover in leftovers { group.addTask { await self.cleanUp(leftover) } }
      leftovers = []
      while !Task.isCancelled, !isStopped {
        await populate()
        let plan = plan()
        for operation in plan.operations { group.addTask { await self.perform(operation) } }
        let cleaning = await cleanOrphans()
        for observer in observers { observer.signal() }
        if isStopped { return }
        let report = reportUse()
        let due = [plan.due, cleaning, report, desired.all.compactMap(\.dueAt).min()].compactMap { $0 }.min()
        await wakeUp.wait(until: beat(atOrAfter: due ?? host.time.now + .seconds(3600)), host.time)
      }
    }
  }

  private func start() async {
    status.wake(wakeUp)
    if host.version.probesAtStart { await manager.probe() }
    if host.version.reconstructsFirst {
      await reconstruct(as: .uncertain)
    } else {
      await populate()
      await reconstruct(as: .present)
    }
  }

  /// Returns the reconciler's next beat.
  private func beat(atOrAfter time: Duration) -> Duration {
    let count = (time / behaviour.period).rounded(.up)
    return behaviour.period * Int(count)
  }

  /// Reports the volumes in use. Returns when there will be more to report: a new volume is reported after a delay.
  private func reportUse() -> Duration? {
    var inUse = Set(actual.filter { $0.value.hasDevice }.keys)
    for (_, volume) in desired.volumes where volume.hasDevice { inUse.insert(volume.unique) }
    let known = status.inUse
    let new = inUse.subtracting(known)
    usedSince = usedSince.filter { new.contains($0.key) }
    for volume in new where usedSince[volume] == nil { usedSince[volume] = host.time.now }
    let told = new.filter { (usedSince[$0] ?? .zero) + behaviour.statusDelay <= host.time.now }
    status.use(inUse.intersection(known).union(told))
    return usedSince.filter { !told.contains($0.key) }.values.min().map { $0 + behaviour.statusDelay }
  }

  private func cleanOrphans() async -> Duration? {
    guard !orphans.isEmpty else { return nil }
    if host.time.now >= nextHousekeeping {
      nextHousekeeping = host.time.now + behaviour.housekeeping
      await removeOrphans()
    }
    return orphans.isEmpty ? nil : nextHousekeeping
  }
}

// The state that a caller can query.
extension NodeVolumes {
  /// Returns whether all of a pod's volumes are mounted, so that its containers may start.
  public func isReady(_ uid: String) -> Bool {
    guard let entry = desired[uid] else { return false }
    return entry.pod.volumes.allSatisfy { spec in
      guard let volume = entry.volumes[spec.name] else { return false }
      return actual[volume.unique]?.pods[uid]?.presence == .present
    }
  }

  /// Returns whether anything of a pod is or may be mounted.
  public func hasVolumes(_ uid: String) -> Bool { actual.values.contains { $0.pods[uid] != nil } }

  /// Returns why a pod's volumes have no plugin, or none with the needed ability. Nil if all have one.
  public func problem(_ uid: String) -> String? { desired[uid]?.problem }

  func event(_ reason: String, _ pod: String, _ volume: String, _ message: String) {
    if isStopped { return }
    sendEvent(NodeEvent(reason: reason, pod: pod, volume: volume, message: message, time: host.time.now))
  }

  func finish(_ operation: Operation, _ ending: Operations.Ending) {
    operations.end(operation.key, ending, at: host.time.now)
    underWay[operation.podUID] = underWay[operation.podUID].flatMap { $0 > 1 ? $0 - 1 : nil }
    wakeUp.signal()
  }
}
