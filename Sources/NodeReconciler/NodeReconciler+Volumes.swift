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
      log.warning("PV names two nodes; nothing is done", ["volume": name, "affinity": affinity])
      return .done
    case .prepare: return await prepare(volume, pv)
    case .observe: return await observe(volume, pv)
    case .remove, .retain: return await removeOrRetain(volume, pv)
    }
  }

  // MARK: Creating

  /// Creates the volume while the scheduler still binds and images are pulled.
  private func prepare(_ name: VolumeName, _ pv: PersistentVolume) async -> Ending {
    do throws(VolumeError) {
      if let recorded = knowledge.instance(createdFor: name) { return try await compare(recorded, name, pv) }
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

  /// Checks whether a call of kubelet has created the volume meanwhile.
  private func observe(_ name: VolumeName, _ pv: PersistentVolume) async -> Ending {
    do throws(VolumeError) {
      if let recorded = knowledge.instance(createdFor: name) { return try await compare(recorded, name, pv) }
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

  /// Checks whether the volume on this node is the one that the PV records.
  private func compare(
    _ recorded: String, _ name: VolumeName, _ pv: PersistentVolume
  ) async throws(VolumeError) -> Ending {
    let found = try await service.instance(of: name)
    // The PV may have been deleted while the engine worked.
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
      CallAuthorization.lost(name, node: configuration.node, recorded: recorded, found: found).message)
  }

  /// Logs a PV that records another volume than the one that this node has created for it. This daemon did not write
  /// that record. The volume here is not used until an operator has decided.
  func logContradiction(_ name: String, _ new: PersistentVolume?) {
    guard let new, let recorded = new.instance, let created = knowledge.instance(createdFor: name), created != recorded,
      volumes[name]?.instance == nil
    else { return }
    log.error("PV records another volume", ["volume": name, "recorded": recorded, "created": created])
  }

  /// Sends the Event to both objects, so that it is found at either.
  func sendEventToVolumeAndClaim(_ pv: PersistentVolume, _ reason: EventReason, _ message: String) {
    writes.sendEvent(pv.reference, reason, message)
    if let claim = pv.claim { writes.sendEvent(claim, reason, message) }
  }

  // MARK: Removing

  /// Removes or retains the volume of a PV that is being deleted, then reports which.
  private func removeOrRetain(_ name: VolumeName, _ seen: PersistentVolume) async -> Ending {
    do throws(WriteFailure) {
      // The watch may be behind, and a removal cannot be undone. So the PV is read again.
      guard let pv = try await writes.volume(name.text), pv.metadata.uid == seen.metadata.uid else { return .done }
      let state: VolumeReport.State
      do throws(VolumeError) {
        switch NodeReview.verdict(on: pv, hostname: configuration.hostname) {
        case .leave, .prepare, .observe, .contradiction: return .done
        case .remove(let proof):
          try await remove(name, pv, proof)
          state = .removed
        case .retain:
          try await retain(name)
          state = .kept
        }
      } catch {
        return stillThere(pv, error)
      }
      // The same write reports the volume as retained and counts its space as taken, before the PV's own booking ends.
      knowledge.report(VolumeReport(volume: name.text, uid: pv.metadata.uid, state: state))
      guard case .done = await reportNow() else { return .failed }
      stuckSince[name.text] = nil
      log.notice("volume of a deleted PV removed or retained", ["volume": name.text, "state": state.rawValue])
      return .done
    } catch {
      log.warning("volume of a deleted PV not finished yet", ["volume": name.text, "reason": error.message])
      return .failed
    }
  }

  /// Removes the volume. Just before the removal it checks that the PV is still the same object, because the removal
  /// may have waited for long.
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
    case .claim(let claim): _ = try await service.remove(name, .createdFor(claim), confirming: confirm)
    }
  }

  /// Marks the volume as retained. A volume that does not exist is not an error.
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
    // Volumes are often in use for a moment, because kubelet is still unmounting.
    if error.code != .inUse || now - since > .seconds(60) {
      writes.sendEvent(pv.reference, EventReason(error.code), error.message)
    }
    return .failed
  }
}
