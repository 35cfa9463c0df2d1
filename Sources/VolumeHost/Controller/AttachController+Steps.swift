// The work of the controller: one step for each volume at a time.
extension AttachController {
  struct Step {
    let kind: OperationKind
    let volume: UniqueVolumeName
    let spec: VolumeSpec
    var key: Operations.Key { .init(volume: volume, pod: nil) }
  }

  /// Returns the steps for now, and the next time when others may be due.
  func plan() -> ([Step], due: Duration?) {
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

  func perform(_ step: Step) async {
    do throws(VolumeFailure) {
      switch step.kind {
      case .attach: try await attach(step)
      case .detach:
        // Without its plugin a step does not start. It is retried at the next beat.
        guard (try? await plugin(step)) != nil else { return finish(step, .notStarted) }
        try await detach(step)
      default: try await verify(step)
      }
      finish(step, .done)
    } catch {
      if step.kind == .attach { known[step.volume]?.isUncertain = true }
      let action = step.kind == .attach ? "AttachVolume.Attach" : "DetachVolume.Detach"
      sendEvent(
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

  private func recordAttachment(_ step: Step, _ device: String?) {
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
    recordAttachment(step, device)
  }

  private func detach(_ step: Step) async throws(VolumeFailure) {
    let plugin = try await plugin(step)
    let name = try await plugin.volumeName(of: step.spec)
    try await plugin.makeDetacher().detach(volume: name, node: host.node)
    recordAttachment(step, nil)
  }

  /// Verifies an attached volume. A driver that cannot answer or fails changes nothing.
  private func verify(_ step: Step) async throws(VolumeFailure) {
    let answer = try? await plugin(step).makeAttacher().areAttached([step.spec], node: host.node)
    if answer?[step.spec] == false { recordAttachment(step, nil) }
  }
}
