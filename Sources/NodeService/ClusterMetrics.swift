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
  /// Volumes of ours without a PV; nil when not known yet.
  package var orphans: Int?

  package init(failures: [String: Int], volumes: Int, stuckRemovals: Int, orphans: Int?) {
    self.failures = failures
    self.volumes = volumes
    self.stuckRemovals = stuckRemovals
    self.orphans = orphans
  }
}

/// The daemon's cluster side: reconciles until its task is cancelled. The daemon works without one.
package protocol ClusterSide: ClusterFigures {
  func run() async
}
