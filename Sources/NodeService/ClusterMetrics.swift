/// Where the daemon's cluster side says how it does.
package protocol ClusterFigures: Sendable {
  var figures: ClusterMetrics { get async }
}

/// The daemon's cluster side at one moment.
package struct ClusterMetrics: Sendable {
  /// Failed lists and watches by what was read.
  package var failures: [String: Int]
  /// PVs that name this node.
  package var volumes: Int
  /// Removals that have not succeeded for ten minutes.
  package var stuckRemovals: Int
  /// Volumes that were made, as their PVs say, and are not there any more.
  package var lostVolumes: Int
  /// Volumes in use against which the kernel holds something.
  package var abnormalVolumes: Int
  /// Volumes of ours without a PV; nil when not known yet.
  package var orphans: Int?
  /// Events that were not sent.
  package var droppedEvents: Int

  package init(
    failures: [String: Int], volumes: Int, stuckRemovals: Int, lostVolumes: Int, abnormalVolumes: Int,
    orphans: Int?, droppedEvents: Int
  ) {
    self.failures = failures
    self.volumes = volumes
    self.stuckRemovals = stuckRemovals
    self.lostVolumes = lostVolumes
    self.abnormalVolumes = abnormalVolumes
    self.orphans = orphans
    self.droppedEvents = droppedEvents
  }
}

/// The daemon's cluster side: reconciles until its task is cancelled. The daemon works without one.
package protocol ClusterSide: ClusterFigures {
  func run() async
}
