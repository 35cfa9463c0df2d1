/// The controller-manager's part for one node: attaches what its pods want, detaches what none wants, and looks every minute
/// whether what is attached still is.
///
/// It has plugins of its own: in a cluster it runs elsewhere, and a driver that attaches has to be installed there as well.
public actor AttachController {
  let host: PluginHost
  private let manager: PluginManager
  private let status: NodeStatus
  private let wakeUp = WakeUp()
  private let tell: @Sendable (NodeEvent) -> Void

  private struct Known {
    let spec: VolumeSpec
    var pods: Set<String> = []
    var isAttached: Bool
    /// An attempt to attach it has failed: it may be attached all the same, and is detached when nobody wants it.
    var isUncertain = false
    /// Since when nobody wants it.
    var unwantedSince: Duration?
  }

  private var known: [UniqueVolumeName: Known] = [:]
  private var waiting: [Pod] = []
  private var operations: Operations
  private var nextVerification: Duration
  private var isStopped = false

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
    await manager.probe()
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

extension AttachController {
  private struct Step {
    let kind: OperationKind
    let volume: UniqueVolumeName
    let spec: VolumeSpec
    var key: Operations.Key { .init(volume: volume, pod: nil) }
  }

  private func plan() -> ([Step], due: Duration?) {
    let isTime = host.time.now >= nextVerification
    if isTime { nextVerification += Self.verificationPeriod }
    let inUse = status.inUse
    var ready: [Step] = []
    var due: Duration?
    for (volume, entry) in known.sorted(by: { $0.key < $1.key }) {
      let step: Step
      if !entry.isAttached, entry.pods.isEmpty, !entry.isUncertain {
        if operations.permit(.attach, .init(volume: volume, pod: nil), at: host.time.now) != .never {
          known[volume] = nil
        }
        continue
      } else if !entry.isAttached, !entry.pods.isEmpty {
        step = Step(kind: .attach, volume: volume, spec: entry.spec)
      } else if let since = entry.unwantedSince {
        if inUse.contains(volume), host.time.now < since + Self.longestUse {
          due = min(due ?? since + Self.longestUse, since + Self.longestUse)
          if isTime, entry.isAttached { add(Step(kind: .verify, volume: volume, spec: entry.spec), &ready, &due) }
          continue
        }
        step = Step(kind: .detach, volume: volume, spec: entry.spec)
      } else if isTime {
        step = Step(kind: .verify, volume: volume, spec: entry.spec)
      } else {
        continue
      }
      add(step, &ready, &due)
    }
    return (ready, due)
  }

  private func add(_ step: Step, _ ready: inout [Step], _ due: inout Duration?) {
    switch operations.permit(step.kind, step.key, at: host.time.now) {
    case .never: return
    case .after(let time): due = min(due ?? time, time)
    case .now:
      operations.begin(step.kind, step.key, at: host.time.now)
      ready.append(step)
    }
  }

  private func perform(_ step: Step) async {
    do throws(VolumeFailure) {
      switch step.kind {
      case .attach: try await attach(step)
      case .detach:
        // Without its plugin it does not begin, and is tried again at the next beat.
        guard (try? await plugin(step)) != nil else { return finish(step, .notStarted) }
        try await detach(step)
      default: try await verify(step)
      }
      finish(step, .done)
    } catch {
      if step.kind == .attach { known[step.volume]?.isUncertain = true }
      let action = step.kind == .attach ? "AttachVolume.Attach" : "DetachVolume.Detach"
      tell(
        NodeEvent(
          reason: step.kind == .attach ? "FailedAttachVolume" : "FailedDetachVolume", pod: "", volume: step.spec.name,
          message: "\(action) failed for volume \"\(step.spec.name)\" : \(error)", time: host.time.now))
      finish(step, .failed)
    }
  }

  private func finish(_ step: Step, _ ending: Operations.Ending) {
    operations.end(step.key, ending, at: host.time.now)
    wakeUp.signal()
  }

  private func note(_ step: Step, _ device: String?) {
    if isStopped { return }
    known[step.volume]?.isAttached = device != nil
    known[step.volume]?.isUncertain = false
    if let device { status.attach(step.volume, device: device) } else { status.detach(step.volume) }
  }

  private func plugin(_ step: Step) async throws(VolumeFailure) -> any AttachablePlugin {
    guard let plugin = try await manager.attachable(for: step.spec) else {
      throw .final("no attachable volume plugin matched")
    }
    return plugin
  }

  private func attach(_ step: Step) async throws(VolumeFailure) {
    let plugin = try await plugin(step)
    let device = try await plugin.makeAttacher().attach(step.spec, node: host.node)
    _ = try await plugin.volumeName(of: step.spec)
    note(step, device)
  }

  private func detach(_ step: Step) async throws(VolumeFailure) {
    let plugin = try await plugin(step)
    let name = try await plugin.volumeName(of: step.spec)
    try await plugin.makeDetacher().detach(volume: name, node: host.node)
    note(step, nil)
  }

  /// A driver that can not say, or fails to, changes nothing.
  private func verify(_ step: Step) async throws(VolumeFailure) {
    let answer = try? await plugin(step).makeAttacher().areAttached([step.spec], node: host.node)
    if answer?[step.spec] == false { note(step, nil) }
  }
}
