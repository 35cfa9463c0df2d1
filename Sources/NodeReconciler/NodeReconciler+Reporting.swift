internal import Controllers
internal import KubernetesAPI
internal import LogicalVolumes
internal import NodeService
internal import StorageLedger
internal import StorageModel
internal import Telemetry

extension NodeReconciler {
  func report() async -> Ending {
    if now - (refreshedAt ?? now) >= configuration.refreshInterval { lastReport = nil }
    if lastReport == nil { refreshedAt = now }
    let ending = await reportNow()
    guard case .done = ending else { return ending }
    return .again(after: configuration.reportInterval)
  }

  /// Reports storage and volumes if they have changed since the last report. Obsolete reports are dropped with the next
  /// change.
  func reportNow() async -> Ending {
    do throws(VolumeError) {
      let storage = try await storage()
      let reports = knowledge.reports
      lastReport?.reports.removeAll { !reports.contains($0) }
      if let lastReport, lastReport.storage == storage, reports.allSatisfy(lastReport.reports.contains) {
        return .done
      }
      do throws(WriteFailure) {
        try await writes.report(storage, reports)
        lastReport = LastReport(storage: storage, reports: reports)
        return .done
      } catch {
        log.warning("storage not reported", ["reason": error.message])
      }
    } catch {
      log.warning("storage cannot be read", ["reason": error.message])
    }
    return .failed
  }

  private func storage() async throws(VolumeError) -> NodeStorage {
    var pairs: [(volume: StoredVolume, booking: Booking)] = []
    // The space of a retained volume no longer belongs to its PV, which is being deleted.
    let kept = Set(knowledge.reports.filter { $0.state == .kept }.map(\.volume))
    for pv in volumes.values where isPinnedHere(pv) && !kept.contains(pv.metadata.name) {
      guard let booking = pv.booking(on: configuration.hostname), let volume = try await volume(of: pv) else {
        continue
      }
      pairs.append((volume, booking))
    }
    let builder = StorageReportBuilder(
      node: configuration.node, groups: try await service.capacity(), isThinByDefault: configuration.isThinByDefault)
    return builder.storage(pairs)
  }

  /// The PV's volume; nil when there is none, and while its group cannot be read. The group's used space then counts as
  /// used by others.
  private func volume(of pv: PersistentVolume) async throws(VolumeError) -> StoredVolume? {
    // A name that is not valid for a volume has no volume.
    guard let name = try? VolumeName(pv.metadata.name) else { return nil }
    do throws(VolumeError) {
      return try await service.volume(name)
    } catch {
      guard error.code == .unavailable else { throw error }
      return nil
    }
  }

  private func isPinnedHere(_ pv: PersistentVolume) -> Bool {
    pv.isOurs && (pv.hostname == nil || pv.hostname == configuration.hostname)
  }

  /// Finds volumes of ours without a PV and reports them. They are never removed.
  func findOrphans() async -> Ending {
    do throws(VolumeError) {
      var orphans: [VolumeName] = []
      for volume in try await service.volumes() where volumes[volume.name.text] == nil {
        // A PV whose label was changed is not in the watch, but still exists.
        if try await hasNoPV(volume.name) { orphans.append(volume.name) }
      }
      let known = Set(knowledge.orphans ?? [])
      knowledge.setOrphans(orphans)
      for name in orphans where !known.contains(name) { reportOrphan(name) }
    } catch {
      log.warning("orphans not known", ["reason": error.message])
      return .failed
    }
    return .again(after: configuration.orphanInterval)
  }

  private func hasNoPV(_ name: VolumeName) async throws(VolumeError) -> Bool {
    do throws(WriteFailure) {
      return try await writes.volume(name.text) == nil
    } catch {
      throw VolumeError(.unavailable, error.message, cause: error)
    }
  }

  private func reportOrphan(_ name: VolumeName) {
    log.warning("volume has no PV", ["volume": name.text])
    let node = ObjectReference(apiVersion: "v1", kind: "Node", name: configuration.node, uid: configuration.node)
    writes.sendEvent(
      node, .orphanedVolume,
      "volume \(name) on node \(configuration.node) has no PV; it is kept. If you do not need it, remove it there with "
        + "elastic-local-node remove \(name)")
  }
}
