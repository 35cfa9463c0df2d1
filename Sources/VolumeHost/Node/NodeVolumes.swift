/// The volumes of one node: makes them as its pods want them, as a kubelet's volume manager does.
///
/// Say which pods run (`run`), whose containers have ended (`end`) and which are gone (`forget`); `reconcile` does the rest
/// until it is cancelled. What it knows is lost with it, as when a kubelet is restarted: a new one finds the volumes by
/// their directories.
///
/// One operation at a time works on a volume; different volumes, and for drivers without attach different pods, do not wait
/// for each other. Nothing has a time limit but `waitforattach`.
public actor NodeVolumes {
  let host: PluginHost
  let manager: PluginManager
  let status: NodeStatus
  let settings: NodeSettings
  let wakeUp = WakeUp()
  private let tell: @Sendable (NodeEvent) -> Void

  var desired = DesiredPods()
  var actual: [UniqueVolumeName: ActualVolume] = [:]
  var operations: Operations
  /// Pods that are gone, whose directories may not be.
  var orphans: Set<String> = []
  /// Since when volumes are in use that the node's status does not have yet.
  private var usedSince: [UniqueVolumeName: Duration] = [:]
  private var nextHousekeeping = Duration.zero
  private(set) var isStopped = false
  /// Those who wait for something, woken after each round.
  var observers: [WakeUp] = []
  /// How many operations go on for each pod.
  var underWay: [String: Int] = [:]
  /// What a restart found and could not make anything of.
  var leftovers: [Leftover] = []

  /// The volumes of a node. `events` gets what a user would read.
  public init(
    host: PluginHost, manager: PluginManager, status: NodeStatus = NodeStatus(),
    settings: NodeSettings = NodeSettings(),
    events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
  ) {
    self.host = host
    self.manager = manager
    self.status = status
    self.settings = settings
    tell = events
    operations = Operations(version: host.version)
  }

  /// A pod that runs here, or has changed.
  public func run(_ pod: Pod) {
    desired.set(pod)
    orphans.remove(pod.uid)
    wakeUp.signal()
  }

  /// Looks at a pod again, as at each of a kubelet's pod syncs.
  public func sync(_ uid: String) {
    desired.update(uid) { $0.dueAt = .zero }
    wakeUp.signal()
  }

  /// A pod whose containers have ended: its volumes are not wanted any more once they are mounted; one that could not be
  /// mounted yet is tried on until `forget`.
  public func end(_ uid: String) {
    desired.update(uid) { entry in
      entry.hasEnded = true
      entry.dueAt = nil
    }
    wakeUp.signal()
  }

  /// A pod that is gone from the API: what is left of its directories is cleaned up.
  public func forget(_ uid: String) {
    desired.remove(uid)
    orphans.insert(uid)
    nextHousekeeping = min(nextHousekeeping, host.time.now + settings.housekeeping)
    wakeUp.signal()
  }

  /// Stops like a kubelet that is killed: nothing new is started, and what is going on changes nothing any more. Drivers that
  /// run go on.
  public func stop() {
    isStopped = true
    wakeUp.signal()
    for observer in observers { observer.signal() }
  }

  /// Takes up what is on disk and then works until cancelled or stopped. The pods that are known by now are those that it
  /// starts with.
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

  /// The reconciler's next beat.
  private func beat(atOrAfter time: Duration) -> Duration {
    let count = (time / settings.period).rounded(.up)
    return settings.period * Int(count)
  }

  /// Tells which volumes are in use. Returns when there will be more to tell: a new one takes a while to get through.
  private func reportUse() -> Duration? {
    var inUse = Set(actual.filter { $0.value.hasDevice }.keys)
    for (_, volume) in desired.volumes where volume.hasDevice { inUse.insert(volume.unique) }
    let known = status.inUse
    let new = inUse.subtracting(known)
    usedSince = usedSince.filter { new.contains($0.key) }
    for volume in new where usedSince[volume] == nil { usedSince[volume] = host.time.now }
    let told = new.filter { (usedSince[$0] ?? .zero) + settings.statusDelay <= host.time.now }
    status.use(inUse.intersection(known).union(told))
    return usedSince.filter { !told.contains($0.key) }.values.min().map { $0 + settings.statusDelay }
  }

  private func cleanOrphans() async -> Duration? {
    guard !orphans.isEmpty else { return nil }
    if host.time.now >= nextHousekeeping {
      nextHousekeeping = host.time.now + settings.housekeeping
      await removeOrphans()
    }
    return orphans.isEmpty ? nil : nextHousekeeping
  }
}

// What can be asked.
extension NodeVolumes {
  /// Whether all of a pod's volumes are mounted: its containers may start.
  public func isReady(_ uid: String) -> Bool {
    guard let entry = desired[uid] else { return false }
    return entry.pod.volumes.allSatisfy { spec in
      guard let volume = entry.volumes[spec.name] else { return false }
      return actual[volume.unique]?.pods[uid]?.presence == .present
    }
  }

  /// Whether anything of a pod is mounted, or may be.
  public func hasVolumes(_ uid: String) -> Bool { actual.values.contains { $0.pods[uid] != nil } }

  /// Why a pod's volumes have no plugin, or none that can do what is asked of it; nil when they have.
  public func problem(_ uid: String) -> String? { desired[uid]?.problem }

  func event(_ reason: String, _ pod: String, _ volume: String, _ message: String) {
    if isStopped { return }
    tell(NodeEvent(reason: reason, pod: pod, volume: volume, message: message, time: host.time.now))
  }

  func finish(_ operation: Operation, _ ending: Operations.Ending) {
    operations.end(operation.key, ending, at: host.time.now)
    underWay[operation.podUID] = underWay[operation.podUID].flatMap { $0 > 1 ? $0 - 1 : nil }
    wakeUp.signal()
  }
}
