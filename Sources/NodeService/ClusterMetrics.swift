/// Where the daemon's cluster side says how it does.
package protocol ClusterFigures: Sendable {
  var figures: ClusterMetrics { get async }
}

/// The daemon's cluster side at one moment.
package struct ClusterMetrics: Sendable {
  /// Failed lists and watches by what was read.
  package var failures: [String: Int]
  /// Requests to the API server, in the order in which they are shown.
  package var requests: [Requests]
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

  /// Requests of one kind.
  package struct Requests: Sendable {
    package var verb: String
    package var resource: String
    /// The HTTP status; nil when there was no reply.
    package var code: Int?
    package var count: Int

    package init(verb: String, resource: String, code: Int?, count: Int) {
      self.verb = verb
      self.resource = resource
      self.code = code
      self.count = count
    }
  }

  package init(
    failures: [String: Int], requests: [Requests] = [], volumes: Int, stuckRemovals: Int, lostVolumes: Int,
    abnormalVolumes: Int,
    orphans: Int?, droppedEvents: Int
  ) {
    self.failures = failures
    self.requests = requests
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
