/// An operation to perform.
struct Operation {
  let kind: OperationKind
  let key: Operations.Key
  let volume: UniqueVolumeName
  let spec: VolumeSpec
  /// The pod that the operation is for. After a restart only its UID is known.
  let pod: Pod?
  let podUID: String
}

extension NodeVolumes {
  struct Plan {
    var operations: [Operation] = []
    /// When something else may be due.
    var due: Duration?
  }

  /// Returns the operations for now in the kubelet's order: tear down, set up, then unused devices.
  func plan() -> Plan {
    var plan = Plan()
    desired.dropMounted { actual[$0]?.pods[$1] != nil }
    for (volume, state) in actual.sorted(by: { $0.key < $1.key }) {
      for (uid, mount) in state.pods.sorted(by: { $0.key < $1.key }) where !desired.wants(volume, pod: uid) {
        add(.unmount, volume, state.spec(named: mount.name), uid: uid, to: &plan)
      }
    }
    for (pod, volume) in desired.volumes { planSetup(of: volume, for: pod, &plan) }
    for (volume, state) in actual.sorted(by: { $0.key < $1.key }) { planDevice(volume, state, &plan) }
    return plan
  }

  private func planSetup(of volume: DesiredVolume, for pod: Pod, _ plan: inout Plan) {
    guard let state = actual[volume.unique] else { return planAttachment(of: volume, for: pod, &plan) }
    if state.pods[pod.uid]?.presence != .present {
      add(.mount, volume.unique, volume.spec, pod: pod, uid: pod.uid, to: &plan)
    } else if needsGrowth(volume.spec, state) {
      add(.expand, volume.unique, volume.spec, pod: pod, uid: pod.uid, to: &plan)
    }
  }

  private func planAttachment(of volume: DesiredVolume, for pod: Pod, _ plan: inout Plan) {
    guard volume.hasDevice else {
      // There is nothing to wait for. The volume counts as attached and is mounted in the same round.
      actual[volume.unique] = ActualVolume(
        spec: volume.spec, plugin: host.version.pluginNamePrefix + volume.spec.source.driver, hasDevice: false,
        device: "")
      return planSetup(of: volume, for: pod, &plan)
    }
    if !behaviour.controllerAttaches {
      return add(.attach, volume.unique, volume.spec, pod: pod, uid: pod.uid, to: &plan)
    }
    if host.version.waitsForReportedUse, !status.inUse.contains(volume.unique) { return }
    add(.verify, volume.unique, volume.spec, pod: pod, uid: pod.uid, to: &plan)
  }

  private func planDevice(_ volume: UniqueVolumeName, _ state: ActualVolume, _ plan: inout Plan) {
    guard state.pods.isEmpty, !desired.wants(volume) else { return }
    if state.deviceMount != .absent {
      add(.unmountDevice, volume, state.spec, uid: "", to: &plan)
    } else if state.hasDevice, !behaviour.controllerAttaches {
      add(.detach, volume, state.spec, uid: "", to: &plan)
    } else if !isBusy(volume) {
      actual[volume] = nil
      operations.forget(volume)
    }
  }

  func needsGrowth(_ spec: VolumeSpec, _ state: ActualVolume) -> Bool {
    !spec.isReadOnly && isOutgrown(spec, state)
  }

  /// Returns whether the PV is larger than its claim, also for a read-only volume.
  func isOutgrown(_ spec: VolumeSpec, _ state: ActualVolume) -> Bool {
    guard let sizes = spec.sizes, host.version.knowsExpansion else { return false }
    return sizes.volume > sizes.claim && state.grownTo < sizes.volume
  }

  private func isBusy(_ volume: UniqueVolumeName) -> Bool {
    operations.permit(.detach, .init(volume: volume, pod: nil), at: .zero) == .never
  }

  private func add(
    _ kind: OperationKind, _ volume: UniqueVolumeName, _ spec: VolumeSpec, pod: Pod? = nil, uid: String,
    to plan: inout Plan
  ) {
    let isForPod = kind == .unmount || actual[volume]?.hasDevice == false
    let key = Operations.Key(volume: volume, pod: isForPod && !uid.isEmpty ? uid : nil)
    switch operations.permit(kind, key, at: host.time.now) {
    case .never: return
    case .after(let time): plan.due = min(plan.due ?? time, time)
    case .now:
      operations.begin(kind, key, at: host.time.now)
      underWay[uid, default: 0] += 1
      plan.operations.append(Operation(kind: kind, key: key, volume: volume, spec: spec, pod: pod, podUID: uid))
    }
  }
}

extension ActualVolume {
  /// Returns the spec with the name of its directory.
  fileprivate func spec(named name: String) -> VolumeSpec {
    var result = spec
    result.name = name
    return result
  }
}
