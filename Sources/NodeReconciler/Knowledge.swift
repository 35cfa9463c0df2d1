internal import KubernetesAPI
internal import LinuxSystem
internal import NodeService
internal import StorageLedger
package import StorageModel
internal import Synchronization
package import Telemetry

/// The known PVs of this node, and the node's reports about them. Kubelet's calls and the reconciler share it.
package final class Knowledge: ClusterKnowledge {
  let node: String
  let allowsInlineVolumes: Bool
  let log: Log
  let patience: Patience
  private let state = Mutex(State())

  /// How long calls wait for the cluster.
  package struct Patience: Sendable {
    /// For an answer about an existing volume whose PV is not known.
    package var use = Duration.seconds(2)
    /// After such an answer failed to arrive, no request is sent for this time.
    package var silence = Duration.seconds(30)
    /// For the API server, and then for the provisioner, before a volume is created.
    package var creation = Duration.seconds(20)
    /// Between two reads of a PV that waits to be assigned.
    package var interval = Duration.milliseconds(200)
    /// How long the result of reading a PV outside of the watch is used.
    package var memory = Duration.seconds(600)

    package init() {}
  }

  private struct State {
    var volumes: [String: PersistentVolume] = [:]
    var reports: [String: VolumeReport] = [:]
    var orphans: [VolumeName]?
    var connection: Connection?
    /// Called when there is something new to report.
    var wake: (@Sendable () -> Void)?
    /// Until this time the API server counts as silent, and no request is sent.
    var silentUntil = Duration.zero
    /// PVs that are not in the watch, as they were last read.
    var lastReads: [String: LastRead] = [:]
    var lost: Set<String> = []
  }

  private struct LastRead {
    var volume: PersistentVolume
    var at: Duration
  }

  /// The API server's requests, and this node's hostname label.
  struct Connection: Sendable {
    var writes: any NodeWrites
    var hostname: String
  }

  package init(
    node: String, allowsInlineVolumes: Bool = false, log: Log = .silent, patience: Patience = Patience()
  ) {
    self.node = node
    self.allowsInlineVolumes = allowsInlineVolumes
    self.log = log
    self.patience = patience
  }

  package var orphans: [VolumeName]? { state.withLock { $0.orphans } }
  package func keeping(of volume: VolumeName) -> String? {
    guard let pv = state.withLock({ $0.volumes[volume.text] }), ["Released", "Failed"].contains(pv.phase) else {
      return nil
    }
    let annotations = pv.metadata.annotations
    guard annotations[ClusterNames.keepAnnotation] != nil else { return nil }
    let claim = annotations[ClusterNames.keptClaimAnnotation] ?? "a claim that is not recorded"
    let since = annotations[ClusterNames.keptSinceAnnotation].map { " since \($0)" } ?? ""
    let end = annotations[ClusterNames.expiresAnnotation].map { ", until \($0)" } ?? ""
    return "\(claim)\(since)\(end)"
  }

  package func setOrphans(_ new: [VolumeName]) { state.withLock { $0.orphans = new } }

  /// Records that the API server can be asked from now on.
  func connect(_ writes: any NodeWrites, hostname: String, wake: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.connection = Connection(writes: writes, hostname: hostname)
      state.wake = wake
    }
  }

  var connection: Connection? { state.withLock { $0.connection } }
}

// MARK: - PVs

extension Knowledge {
  package func instance(createdFor volume: VolumeName) -> String? { instance(createdFor: volume.text) }

  /// The instance that the PV records, or will record once the provisioner has handled the report.
  func instance(createdFor volume: String) -> String? {
    state.withLock { state in state.volumes[volume]?.instance ?? state.reports[volume]?.instance }
  }

  /// Records a PV of this node as a list or watch shows it; nil for one that is gone or names another node.
  func set(_ new: PersistentVolume?, of name: String) {
    state.withLock { state in
      state.volumes[name] = new
      state.lastReads[name] = nil
      if new == nil { state.lost.remove(name) }
      // A fact that the PV itself records needs no report. A report about an earlier PV object is no longer valid.
      guard let report = state.reports[name], report.state != .requested else { return }
      if new?.metadata.uid != report.uid || new?.instance != nil && report.state == .created {
        state.reports[name] = nil
      }
    }
  }

  func known(_ name: String) -> PersistentVolume? { state.withLock { $0.volumes[name] } }

  /// A PV that is not in the watch, if it was read recently.
  func recentRead(_ name: String, at now: Duration) -> PersistentVolume? {
    state.withLock { state in
      guard let read = state.lastReads[name], now - read.at < patience.memory else { return nil }
      return read.volume
    }
  }

  func remember(_ volume: PersistentVolume, at now: Duration) {
    state.withLock { state in
      if state.lastReads.count >= 4096 { state.lastReads = [:] }
      state.lastReads[volume.metadata.name] = LastRead(volume: volume, at: now)
    }
  }

  func isSilent(at now: Duration) -> Bool { state.withLock { now < $0.silentUntil } }
  func recordSilence(at now: Duration) { state.withLock { $0.silentUntil = now + patience.silence } }

  /// Volumes that a PV records and that are not on this node.
  var lost: Set<String> { state.withLock { $0.lost } }

  func setLost(_ isLost: Bool, _ name: String) {
    state.withLock { state in
      if isLost { state.lost.insert(name) } else { state.lost.remove(name) }
    }
  }
}

// MARK: - Reports

extension Knowledge {
  /// The node's reports, sorted by volume.
  var reports: [VolumeReport] { state.withLock { $0.reports.values.sorted { $0.volume < $1.volume } } }

  /// Adds a report about a volume, and schedules a report to the API server.
  func report(_ report: VolumeReport) {
    let wake = state.withLock { state in
      guard state.reports[report.volume] != report else { return nil as (@Sendable () -> Void)? }
      state.reports[report.volume] = report
      return state.wake
    }
    wake?()
  }

  /// Withdraws a request, because the call that made it has ended.
  func withdrawRequest(for volume: String) {
    state.withLock { state in
      if state.reports[volume]?.state == .requested { state.reports[volume] = nil }
    }
  }

  /// Takes over the reports that the node wrote before the daemon was restarted. Only ``VolumeReport/State/created``
  /// counts; everything else is determined anew.
  package func resume(_ former: [VolumeReport]) {
    state.withLock { state in
      for report in former where report.state == .created && state.reports[report.volume] == nil {
        state.reports[report.volume] = report
      }
    }
  }

  /// Drops reports about PVs that do not exist. Call when all PVs of this node have been listed.
  func dropStaleReports() {
    state.withLock { state in
      state.reports = state.reports.filter { name, report in
        report.state == .requested || state.volumes[name]?.metadata.uid == report.uid
      }
    }
  }
}
