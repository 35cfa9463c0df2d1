internal import KubernetesAPI
internal import LogicalVolumes
internal import NodeService
internal import StorageLedger
internal import StorageModel
internal import Telemetry

extension NodeReconciler {
  func process(volume name: String) async -> WorkQueue<Work>.Ending {
    guard let pv = volumes[name] else { return .settled }
    let volume: VolumeName
    do throws(VolumeError) {
      volume = try VolumeName(name)
    } catch {
      log.warning("PV has a name that no volume can have", ["volume": name, "reason": error.message])
      return .settled
    }
    switch NodeReview.verdict(on: pv, hostname: settings.hostname) {
    case .leave: return .settled
    case .contradiction(let affinity):
      log.warning("PV names two nodes; left alone", ["volume": name, "affinity": affinity])
      return .settled
    case .prepare: return await prepare(volume, pv)
    case .remove, .keep: return await release(volume, pv)
    }
  }

  // MARK: Making

  /// Makes the volume while the scheduler still binds and images are pulled.
  private func prepare(_ name: VolumeName, _ pv: PersistentVolume) async -> WorkQueue<Work>.Ending {
    do throws(VolumeError) {
      let instance: String
      if let known = pv.instance {
        guard try await keeper.instance(of: name) == nil else {
          lost.remove(name.text)
          return .settled
        }
        // It may have gone, or be going, while the engine was asked.
        if volumes[name.text]?.instance != nil { lost.insert(name.text) }
        tellOfLoss(pv, known)
        return .again(after: settings.orphanInterval)
      } else {
        instance = try await keeper.prepare(name, Self.options(of: pv))
      }
      return await note(instance, on: pv)
    } catch {
      log.warning("volume not prepared yet", ["volume": name.text, "reason": error.message])
      tellBoth(
        pv, isWarning: error.code != .inProgress, reason: ErrorPolicy.policy(for: error.code).eventReason, error.message
      )
      return ErrorPolicy.policy(for: error.code).retry == .never ? .settled : .failed
    }
  }

  /// The one patch that a volume costs: from now on a node without it makes no empty one.
  private func note(_ instance: String, on pv: PersistentVolume) async -> WorkQueue<Work>.Ending {
    let name = pv.metadata.name
    do throws(APIError) {
      try await writes.noteInstance(instance, on: pv)
      hasNoted(instance, on: pv)
      return .settled
    } catch {
      // A PV that has changed comes back by itself.
      if error.kind == .conflict || error.kind == .notFound { return .settled }
      log.warning("PV not marked yet", ["volume": name, "reason": error.description])
      return .failed
    }
  }

  /// The options that kubelet would send, as far as they say how a volume is made.
  private static func options(of pv: PersistentVolume) -> [String: String] {
    var options = pv.flexVolume?.options.dictionary ?? [:]
    options["kubernetes.io/fsType"] = pv.flexVolume?.fsType
    options["kubernetes.io/pvOrVolumeName"] = pv.metadata.name
    return options
  }

  private func tellOfLoss(_ pv: PersistentVolume, _ instance: String) {
    log.error("volume is gone", ["volume": pv.metadata.name, "instance": instance])
    tellBoth(
      pv, reason: "VolumeLost",
      "the volume (\(instance)) is not on node \(settings.node) any more, and no empty one is made in its place; bring its "
        + "disk back, or delete the claim and restore into a new one")
  }

  /// Who looks at either sees it.
  func tellBoth(_ pv: PersistentVolume, isWarning: Bool = true, reason: String, _ message: String) {
    writes.tell(pv.reference, isWarning: isWarning, reason: reason, message)
    if let claim = pv.claim { writes.tell(claim, isWarning: isWarning, reason: reason, message) }
  }

  // MARK: Releasing

  /// The PV is on its way out: its volume is removed, or marked as one to keep; then the PV may go.
  private func release(_ name: VolumeName, _ seen: PersistentVolume) async -> WorkQueue<Work>.Ending {
    do throws(APIError) {
      // The watch may be behind, and this can not be undone: the API server has the last word.
      guard let pv = try await writes.volume(name.text), pv.metadata.uid == seen.metadata.uid else { return .settled }
      do throws(VolumeError) {
        switch NodeReview.verdict(on: pv, hostname: settings.hostname) {
        case .leave, .prepare, .contradiction: return .settled
        case .remove(let claim): try await keeper.remove(name, claim: claim)
        case .keep: try await keeper.retain(name)
        }
      } catch {
        return stillThere(pv, error)
      }
      if pv.reclaimPolicy != "Delete" {
        // What is kept counts as taken before the PV's own booking ends.
        guard case .settled = await publishNow() else { return .failed }
      }
      try await writes.liftFinalizer(of: pv)
      stuckSince[name.text] = nil
      log.notice("PV released", ["volume": name.text, "policy": pv.reclaimPolicy])
      look(at: .publish)
      return .settled
    } catch {
      if error.kind == .conflict { return .again(after: .zero) }
      log.warning("PV not released yet", ["volume": name.text, "reason": error.description])
      return .failed
    }
  }

  private func stillThere(_ pv: PersistentVolume, _ error: VolumeError) -> WorkQueue<Work>.Ending {
    let name = pv.metadata.name
    let since = stuckSince[name] ?? now
    stuckSince[name] = since
    log.notice("volume not removed yet", ["volume": name, "code": error.code.rawValue, "reason": error.message])
    // In use for a moment is usual: kubelet is still unmounting.
    if error.code != .inUse || now - since > .seconds(60) {
      writes.tell(
        pv.reference, isWarning: true, reason: ErrorPolicy.policy(for: error.code).eventReason, error.message)
    }
    return .failed
  }
}
