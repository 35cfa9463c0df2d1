internal import Controllers
internal import KubernetesAPI
internal import LogicalVolumes
internal import NodeService
internal import StorageLedger
internal import StorageModel
internal import Telemetry

extension NodeReconciler {
  func process(volume name: String) async -> Ending {
    guard let pv = volumes[name] else { return .done }
    let volume: VolumeName
    do throws(VolumeError) {
      volume = try VolumeName(name)
    } catch {
      log.warning("PV has a name that no volume can have", ["volume": name, "reason": error.message])
      return .done
    }
    switch NodeReview.verdict(on: pv, hostname: configuration.hostname) {
    case .leave: return .done
    case .contradiction(let affinity):
      log.warning("PV names two nodes; left alone", ["volume": name, "affinity": affinity])
      return .done
    case .prepare: return await prepare(volume, pv)
    case .observe: return await observe(volume, pv)
    case .remove, .keep: return await removeOrRetain(volume, pv)
    }
  }

  // MARK: Making

  /// Makes the volume while the scheduler still binds and images are pulled.
  private func prepare(_ name: VolumeName, _ pv: PersistentVolume) async -> Ending {
    do throws(VolumeError) {
      if let recorded = knowledge.instance(madeFor: name) { return try await compare(recorded, name, pv) }
      guard let terms = pv.terms else { return .done }
      let options = try VolumeOptions(terms.options.dictionary, fsType: terms.fsType)
      reportCreated(try await service.prepare(VolumeRequest(name, options)), pv)
      return .done
    } catch {
      log.warning("volume not prepared yet", ["volume": name.text, "reason": error.message])
      sendEventToVolumeAndClaim(pv, EventReason(error.code), error.message)
      return ErrorPolicy.policy(for: error.code).retry == .never ? .done : .failed
    }
  }

  /// Looks whether kubelet has made the volume meanwhile.
  private func observe(_ name: VolumeName, _ pv: PersistentVolume) async -> Ending {
    do throws(VolumeError) {
      if let recorded = knowledge.instance(madeFor: name) { return try await compare(recorded, name, pv) }
      guard let found = try await service.createdInstance(of: name) else {
        return .again(after: configuration.reportInterval)
      }
      reportCreated(found, pv)
      return .done
    } catch {
      log.warning("volume not known yet", ["volume": name.text, "reason": error.message])
      return .failed
    }
  }

  private func reportCreated(_ instance: String, _ pv: PersistentVolume) {
    knowledge.report(
      VolumeReport(volume: pv.metadata.name, uid: pv.metadata.uid, state: .created, instance: instance))
  }

  /// Whether the volume that the PV records is the one that is here.
  private func compare(
    _ recorded: String, _ name: VolumeName, _ pv: PersistentVolume
  ) async throws(VolumeError) -> Ending {
    let found = try await service.instance(of: name)
    // It may have gone, or be going, while the engine was asked.
    guard volumes[name.text]?.metadata.uid == pv.metadata.uid else { return .done }
    knowledge.setLost(found != recorded, name.text)
    guard found != recorded else { return .done }
    reportLoss(pv, recorded, found)
    return .again(after: configuration.orphanInterval)
  }

  private func reportLoss(_ pv: PersistentVolume, _ recorded: String, _ found: String?) {
    let name = pv.metadata.name
    log.error("volume is gone", ["volume": name, "recorded": recorded, "found": found ?? ""])
    sendEventToVolumeAndClaim(
      pv, .volumeLost,
      Admission.lost(name, node: configuration.node, recorded: recorded, found: found).message)
  }

  /// A PV that records another volume than the one that this node has created for it: somebody else wrote that, and the
  /// volume here is used by nobody until it is settled.
  func logContradiction(_ name: String, _ new: PersistentVolume?) {
    guard let new, let recorded = new.instance, let created = knowledge.instance(madeFor: name), created != recorded,
      volumes[name]?.instance == nil
    else { return }
    log.error("PV records another volume", ["volume": name, "recorded": recorded, "created": created])
  }

  /// Who looks at either sees it.
  func sendEventToVolumeAndClaim(_ pv: PersistentVolume, _ reason: EventReason, _ message: String) {
    writes.sendEvent(pv.reference, reason, message)
    if let claim = pv.claim { writes.sendEvent(claim, reason, message) }
  }

  // MARK: Removing

  /// The PV is on its way out: its volume is removed, or marked as one to keep; then that is reported.
  private func removeOrRetain(_ name: VolumeName, _ seen: PersistentVolume) async -> Ending {
    do throws(WriteFailure) {
      // The watch may be behind, and this cannot be undone: the API server has the last word.
      guard let pv = try await writes.volume(name.text), pv.metadata.uid == seen.metadata.uid else { return .done }
      let state: VolumeReport.State
      do throws(VolumeError) {
        switch NodeReview.verdict(on: pv, hostname: configuration.hostname) {
        case .leave, .prepare, .observe, .contradiction: return .done
        case .remove(let proof):
          try await remove(name, pv, proof)
          state = .removed
        case .keep:
          try await retain(name)
          state = .kept
        }
      } catch {
        return stillThere(pv, error)
      }
      // What is kept counts as taken in the very object that reports it: before the PV's own booking ends.
      knowledge.report(VolumeReport(volume: name.text, uid: pv.metadata.uid, state: state))
      guard case .done = await reportNow() else { return .failed }
      stuckSince[name.text] = nil
      log.notice("volume of a deleted PV released", ["volume": name.text, "state": state.rawValue])
      return .done
    } catch {
      log.warning("PV not released yet", ["volume": name.text, "reason": error.message])
      return .failed
    }
  }

  /// Removes the volume, and looks once more before it does whether the PV is still the same object: the removal may have
  /// waited for long.
  private func remove(
    _ name: VolumeName, _ pv: PersistentVolume, _ proof: RemovalProof
  ) async throws(VolumeError) {
    let (writes, hostname, uid) = (writes, configuration.hostname, pv.metadata.uid)
    let confirm: @Sendable () async throws(VolumeError) -> Void = { () async throws(VolumeError) in
      let now: PersistentVolume?
      do throws(WriteFailure) {
        now = try await writes.volume(name.text)
      } catch {
        throw VolumeError(
          .unavailable, "volume \(name) is kept: its PV cannot be read again before the removal: \(error.message)")
      }
      guard let now, now.metadata.uid == uid, NodeReview.verdict(on: now, hostname: hostname) == .remove(proof) else {
        throw VolumeError(.unsafe, "volume \(name) is kept: its PV has changed while the removal waited")
      }
    }
    switch proof {
    case .instance(let instance): _ = try await service.remove(name, .recorded(instance), confirming: confirm)
    case .claim(let claim): _ = try await service.remove(name, .madeFor(claim), confirming: confirm)
    }
  }

  /// No such volume is fine.
  private func retain(_ name: VolumeName) async throws(VolumeError) {
    do throws(VolumeError) {
      try await service.setRetained(name, true)
    } catch {
      guard error.code == .notFound else { throw error }
    }
  }

  private func stillThere(_ pv: PersistentVolume, _ error: VolumeError) -> Ending {
    let name = pv.metadata.name
    let since = stuckSince[name] ?? now
    stuckSince[name] = since
    log.notice("volume not removed yet", ["volume": name, "code": error.code.rawValue, "reason": error.message])
    // In use for a moment is usual: kubelet is still unmounting.
    if error.code != .inUse || now - since > .seconds(60) {
      writes.sendEvent(pv.reference, EventReason(error.code), error.message)
    }
    return .failed
  }
}
