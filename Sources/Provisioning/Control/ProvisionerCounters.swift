/// Numbers of what the provisioner has done since it became the leader.
package struct ProvisionerCounters: Sendable {
  /// Created PVs.
  package var volumesCreated = 0
  /// Deleted PVs.
  package var volumesDeleted = 0
  /// PVs whose finalizer was lifted after their node had reported that the volume is removed or retained.
  package var finalizersLiftedAfterReport = 0
  /// Reports of nodes that were followed: an instance was recorded on a PV, or a PV was assigned to a node.
  package var reportsFollowed = 0
  /// Reports of nodes that were refused by a check.
  package var reportsRefused = 0
  /// Times that a claim's chosen node was removed, so that the scheduler chooses another.
  package var rescheduled = 0
  /// Refusals of claims that were sent as Events.
  package var refused = 0
  /// Failed requests and failed looks. All are retried.
  package var failures = 0
  /// PVs whose finalizer was lifted although no daemon has removed the volume.
  package var finalizersLifted = 0
  /// Claims that were deleted because their node has left the cluster.
  package var claimsRecreated = 0
  /// Claims that have got back a kept volume.
  package var keptVolumesReturned = 0
  /// The time of each look at a claim, until its PV is created or it is refused.
  package var claimSeconds = DurationSum()
}

/// The number of measured durations and their sum.
package struct DurationSum: Sendable {
  /// The number of durations.
  package var count = 0
  /// The sum of the durations.
  package var total = Duration.zero

  mutating func record(_ duration: Duration) {
    count += 1
    total += duration
  }
}

/// The numbers of the provisioner at one moment.
package struct Snapshot: Sendable {
  /// The counters since this candidate became the leader.
  package var counters: ProvisionerCounters
  /// Objects that wait to be reconciled.
  package var waiting: Int
  /// Objects that are due and have not begun.
  package var due: Int
  /// Objects that are being reconciled.
  package var running: Int
  /// Claims for which no node has enough free space.
  package var claimsWithoutSpace: Int
  /// Claims that are refused because a volume is kept under their name that they may not have.
  package var keptConflicts: Int
  /// PVs in the ledger.
  package var bookings: Int
  /// Nodes that report their storage.
  package var reportingNodes: Int
  /// Claims whose node has left the cluster, and that are not deleted because of the limit.
  package var claimsHeldBack: Int
  /// PVs that are set aside.
  package var volumesSetAside: Int
  /// Whether all first lists are complete.
  package var isSynced: Bool
}
