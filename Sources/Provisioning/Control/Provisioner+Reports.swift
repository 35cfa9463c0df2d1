internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// The reports of nodes about volumes. An attacker may control a node, so each report is checked against the API
// server's objects. At worst, such a node makes its own volumes wait.
extension Provisioner {
  /// Sets all volume reports of a node. Reports that the node no longer makes are forgotten.
  func report(_ new: [VolumeReport], by node: String) {
    let former = reports.keys.filter { reports[$0]?[node] != nil }
    for name in former {
      reports[name]?[node] = nil
      if reports[name]?.isEmpty == true { reports[name] = nil }
    }
    for report in new {
      reports[report.volume, default: [:]][node] = report
      switch report.state {
      case .created, .requested: enqueue(.report(report.volume))
      case .removed, .kept: enqueue(.volume(report.volume))
      }
    }
  }

  /// Follows the nodes' reports about a PV: records an instance, or assigns the PV to a node. Waits for the API server.
  func process(report name: String) async -> Ending {
    do throws(WriteFailure) {
      for (node, report) in (reports[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
        switch report.state {
        case .created: try await record(report, by: node)
        case .requested: try await assign(report, to: node)
        case .removed, .kept: break
        }
      }
      return .done
    } catch {
      switch error.kind {
      // The PV has changed or is gone; a watch shows it.
      case .missing: return .done
      case .conflict, .exists, .rejected, .unknown:
        count(\.failures)
        logLine("report not followed yet", ["volume": name, "reason": error.message], isWarning: true)
        return .failed
      }
    }
  }

  // MARK: Created

  /// Records the instance on the PV, if the PV names the reporting node and records no instance.
  private func record(_ report: VolumeReport, by node: String) async throws(WriteFailure) {
    let name = report.volume
    guard let volume = unrecorded[name], volume.uid == report.uid, let instance = report.instance,
      Self.isInstance(instance)
    else { return }
    guard volume.node == ClusterNames.nodeLabelValue(node) else {
      return refuse(report, by: node, because: "the PV names \(volume.node.map { "node \($0)" } ?? "no node")")
    }
    if volume.isProvisionedByUs {
      try await writes.record(instance, on: name, uid: report.uid, node: node)
    } else {
      guard let found = try await writes.volume(name), found.metadata.uid == report.uid, found.instance == nil,
        found.labelledNode == volume.node
      else { return }
      try await writes.record(instance, on: found)
    }
    // A watch that is behind may show the PV once more without the instance, and then with it.
    unrecorded[name] = nil
    count(\.reportsFollowed)
  }

  /// Whether the text can be an LV's UUID or a creation token: printable ASCII, 1 to 128 bytes. So it is safe in an
  /// annotation and in messages.
  private static func isInstance(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  // MARK: Requested

  /// Has a PV name the node that requests to create its volume. The PV may name no node so far, or this node in its
  /// affinity alone.
  private func assign(_ report: VolumeReport, to node: String) async throws(WriteFailure) {
    guard let volume = try await writes.volume(report.volume), volume.metadata.uid == report.uid, volume.isOurs,
      !volume.metadata.isBeingDeleted, volume.instance == nil
    else { return }
    guard let hostname = try await labels(of: node)?[ClusterNames.hostnameLabel] else {
      return refuse(report, by: node, because: "node \(node) has no label \(ClusterNames.hostnameLabel)")
    }
    if volume.hostname == hostname, volume.labelledNode == ClusterNames.nodeLabelValue(node) { return }
    if let reason = try await reasonAgainst(volume, on: node, hostname, report) {
      return refuse(report, by: node, because: reason)
    }
    let assigned = try await writes.assign(volume, to: node, hostname: hostname)
    await known(assigned.metadata.name, KnownVolume(assigned))
    count(\.reportsFollowed)
    logLine("PV assigned to a node", ["volume": volume.metadata.name, "node": node])
  }

  /// Why a node may not have a PV; nil if it may.
  private func reasonAgainst(
    _ volume: PersistentVolume, on node: String, _ hostname: String, _ report: VolumeReport
  ) async throws(WriteFailure) -> String? {
    if let label = volume.labelledNode, label != ClusterNames.nodeLabelValue(node) {
      return "it belongs to node \(label)"
    }
    if let reason = ambiguity(of: hostname) { return reason }
    if volume.nodeAffinity?.terms.isEmpty == false {
      return volume.hostname == hostname ? nil : "its node affinity is for \(volume.hostname ?? "other nodes")"
    }
    guard let booking = volume.booking(on: hostname) else { return "its options name storage that no node can have" }
    do throws(Shortage) { try await allocator.check(booking, for: volume.metadata.name) } catch { return error.message }
    return try await reasonAgainstPod(report.pod, of: volume, on: node)
  }

  /// Why a node may not have a PV that was bound before its node was known; nil if it may. The scheduler must have sent
  /// a pod with the PV's claim to this node.
  private func reasonAgainstPod(
    _ pod: String?, of volume: PersistentVolume, on node: String
  ) async throws(WriteFailure) -> String? {
    let words = pod?.split(separator: "/", omittingEmptySubsequences: false) ?? []
    guard words.count == 2, let claim = volume.claim else { return "the request names no pod, or the PV no claim" }
    let key = ObjectKey(namespace: String(words[0]), name: String(words[1]))
    guard key.namespace == claim.namespace, let found = try await writes.pod(key), found.nodeName == node,
      found.claimNames.contains(claim.name)
    else { return "pod \(key) does not run there with claim \(claim.namespace)/\(claim.name)" }
    return nil
  }

  // MARK: Removed and kept

  /// The node that has removed or retained the volume of a PV that is being deleted; nil while there is none.
  func reporterOfEnd(of volume: PersistentVolume) -> String? {
    reports[volume.metadata.name]?.first { node, report in
      let isDone = report.state == .kept || report.state == .removed && volume.removableInstance != nil
      return isDone && report.uid == volume.metadata.uid && speaks(node, for: volume)
    }?.key
  }

  /// Whether a node's reports about a PV's volume count: the PV names the node.
  private func speaks(_ node: String, for volume: PersistentVolume) -> Bool {
    if let label = volume.labelledNode { return label == ClusterNames.nodeLabelValue(node) }
    return volume.hostname != nil && nodes.hostname(of: node) == volume.hostname
  }

  private func refuse(_ report: VolumeReport, by node: String, because reason: String) {
    count(\.reportsRefused)
    logLine(
      "report refused",
      ["volume": report.volume, "node": node, "state": report.state.rawValue, "reason": reason], isWarning: true)
  }
}
