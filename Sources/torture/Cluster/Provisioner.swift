import LinuxSystem
import StorageModel

/// Stands in for the provisioner: records in a PV which volume its node reports.
struct Provisioner: Sendable {
  let history: History
  let node: NodeUnderTest

  /// A report is an acknowledgement: from now on no power cut may take back what it says.
  func hear(_ reports: [VolumeReport]) async {
    for report in reports where report.state == .created {
      guard let claim = history.model.claims[report.volume], claim.uid == report.uid, let instance = report.instance
      else { continue }
      if let recorded = claim.instance {
        if instance != recorded {
          node.record(Finding("volume \(report.volume) was reported as \(recorded), and now as \(instance)"))
        }
        continue
      }
      do {
        try await node.disk.mark(Replay.mark)
        try record(instance, report.volume)
      } catch {
        node.record(Finding("a report of volume \(report.volume) could not be recorded: \(error)"))
      }
    }
  }

  private func record(_ instance: String, _ volume: String) throws {
    try history.add(.recorded(volume: volume, instance: instance))
    // What a strike shows in its place stays until it is healed.
    guard let claim = history.model.claims[volume], let shown = node.cluster.shown(volume), shown.instance == nil,
      shown.uid == claim.uid, !shown.isProvisioned
    else { return }
    node.cluster.set(ShownVolume(claim))
  }
}
