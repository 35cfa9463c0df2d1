internal import KubernetesAPI
internal import LinuxSystem
internal import NodeService
internal import StorageLedger
package import StorageModel
internal import Synchronization
package import Telemetry

/// What is known about the PVs of this node, and what the node has to say about them. Shared by kubelet's calls and the
/// reconciler.
package final class Knowledge: ClusterKnowledge {
  let node: String
  let allowsInlineVolumes: Bool
  let log: Log
  let patience: Patience
  private let state = Mutex(State())

  /// How long calls wait for the cluster.
  package struct Patience: Sendable {
    /// For an answer about a volume that exists and whose PV is not known.
    package var use = Duration.seconds(2)
    /// After such an answer did not come, nobody is asked for that long.
    package var silence = Duration.seconds(30)
    /// For the API server, and then for the provisioner, before a volume is created.
    package var creation = Duration.seconds(20)
    /// Between two looks at a PV that waits to be assigned.
    package var interval = Duration.milliseconds(200)
    /// For how long a look at a PV outside of the watch counts.
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
    /// Until when the API server counts as silent.
    var silentUntil = Duration.zero
    /// PVs that are not in the watch, as they were read.
    var looks: [String: Look] = [:]
    var lost: Set<String> = []
  }

  private struct Look {
    var volume: PersistentVolume
    var at: Duration
  }

  /// The way to the API server, and this node's hostname label there.
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

  /// From now on the API server can be asked.
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
  package func instance(madeFor volume: VolumeName) -> String? { instance(madeFor: volume.text) }

  /// What the PV records, or will when it has followed what was reported.
  func instance(madeFor volume: String) -> String? {
    state.withLock { state in state.volumes[volume]?.instance ?? state.reports[volume]?.instance }
  }

  /// Notes a PV of this node as a list or watch shows it; nil for one that is gone or names another node.
  func set(_ new: PersistentVolume?, of name: String) {
    state.withLock { state in
      state.volumes[name] = new
      state.looks[name] = nil
      if new == nil { state.lost.remove(name) }
      // What the PV says itself needs no report; what was said about another PV object does not count any more.
      guard let report = state.reports[name], report.state != .requested else { return }
      if new?.metadata.uid != report.uid || new?.instance != nil && report.state == .created {
        state.reports[name] = nil
      }
    }
  }

  func known(_ name: String) -> PersistentVolume? { state.withLock { $0.volumes[name] } }

  /// A PV that is not in the watch, as it was read a while ago.
  func recentLook(_ name: String, at now: Duration) -> PersistentVolume? {
    state.withLock { state in
      guard let look = state.looks[name], now - look.at < patience.memory else { return nil }
      return look.volume
    }
  }

  func remember(_ volume: PersistentVolume, at now: Duration) {
    state.withLock { state in
      if state.looks.count >= 4096 { state.looks = [:] }
      state.looks[volume.metadata.name] = Look(volume: volume, at: now)
    }
  }

  func isSilent(at now: Duration) -> Bool { state.withLock { now < $0.silentUntil } }
  func recordSilence(at now: Duration) { state.withLock { $0.silentUntil = now + patience.silence } }

  /// Volumes that their PVs record and that are not on this node.
  var lost: Set<String> { state.withLock { $0.lost } }

  func setLost(_ isLost: Bool, _ name: String) {
    state.withLock { state in
      if isLost { state.lost.insert(name) } else { state.lost.remove(name) }
    }
  }
}

// MARK: - Reports

extension Knowledge {
  /// What the node has to say, sorted by volume.
  var reports: [VolumeReport] { state.withLock { $0.reports.values.sorted { $0.volume < $1.volume } } }

  /// Says something about a volume; it is reported soon.
  func report(_ report: VolumeReport) {
    let wake = state.withLock { state in
      guard state.reports[report.volume] != report else { return nil as (@Sendable () -> Void)? }
      state.reports[report.volume] = report
      return state.wake
    }
    wake?()
  }

  /// Takes a request back: the call that made it has ended.
  func withdrawRequest(for volume: String) {
    state.withLock { state in
      if state.reports[volume]?.state == .requested { state.reports[volume] = nil }
    }
  }

  /// Takes over what the node has said before the daemon was started again. Only what was created counts: all else is
  /// found out anew.
  package func resume(_ former: [VolumeReport]) {
    state.withLock { state in
      for report in former where report.state == .created && state.reports[report.volume] == nil {
        state.reports[report.volume] = report
      }
    }
  }

  /// All PVs of this node have been listed: a report about another PV is of no use any more.
  func dropStaleReports() {
    state.withLock { state in
      state.reports = state.reports.filter { name, report in
        report.state == .requested || state.volumes[name]?.metadata.uid == report.uid
      }
    }
  }
}
