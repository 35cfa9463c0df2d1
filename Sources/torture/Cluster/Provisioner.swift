import LinuxSystem
import StorageModel

/// A stand-in for the provisioner. It records in each PV the volume that the node reports.
struct Provisioner: Sendable {
  let history: History
  let node: NodeUnderTest

  /// Takes the node's reports. A report is an acknowledgement: no later power cut may undo it.
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
    // A strike may show another instance. It stays until the strike is healed.
    guard let claim = history.model.claims[volume], let shown = node.cluster.shown(volume), shown.instance == nil,
      shown.uid == claim.uid, !shown.isProvisioned
    else { return }
    node.cluster.set(ShownVolume(claim))
  }
}
