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

  /// Reports what has changed since the last time. Reports that are of no use any more go with the next change.
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
        log.warning("storage not published", ["reason": error.message])
      }
    } catch {
      log.warning("storage cannot be read", ["reason": error.message])
    }
    return .failed
  }

  private func storage() async throws(VolumeError) -> NodeStorage {
    var pairs: [(volume: StoredVolume, booking: Booking)] = []
    // What is kept for a PV that is being deleted is the PV's no longer.
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

  /// The PV's volume; nil when there is none, and while a group that may have it cannot be read: what is taken there is
  /// taken by anybody.
  private func volume(of pv: PersistentVolume) async throws(VolumeError) -> StoredVolume? {
    // A name that no volume can have has no volume.
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

  /// Volumes of ours without a PV are reported, never removed.
  func findOrphans() async -> Ending {
    do throws(VolumeError) {
      var orphans: [VolumeName] = []
      for volume in try await service.volumes() where volumes[volume.name.text] == nil {
        // A PV whose label was altered is not in the watch, and still is a PV.
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
      "volume \(name) on node \(configuration.node) has no PV; it is kept. If it is not wanted, remove it there with "
        + "elastic-local-node remove \(name)")
  }
}
