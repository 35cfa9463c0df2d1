/// What the provisioner has done, since it became the leader.
package struct ProvisionerCounters: Sendable {
  package var volumesCreated = 0
  package var volumesDeleted = 0
  /// PVs whose finalizer was lifted since their node said that it is done with the volume.
  package var finalizersLiftedAfterReport = 0
  /// Instances that were recorded on PVs, and PVs that were assigned to a node, since a node reported it.
  package var reportsFollowed = 0
  /// Reports of nodes that did not pass the check.
  package var reportsRefused = 0
  /// Claims that were sent to another node.
  package var rescheduled = 0
  package var refused = 0
  package var failures = 0
  package var finalizersLifted = 0
  /// Claims that were deleted because their node has left the cluster.
  package var claimsRecreated = 0
  /// Claims that have got a kept volume.
  package var keptVolumesReturned = 0
  /// From taking a claim up to its PV being written, or to the refusal.
  package var claimSeconds = DurationSum()
}

/// How often, and how long in all.
package struct DurationSum: Sendable {
  package var count = 0
  package var total = Duration.zero

  mutating func record(_ duration: Duration) {
    count += 1
    total += duration
  }
}

/// The provisioner at one moment.
package struct Snapshot: Sendable {
  package var counters: ProvisionerCounters
  /// Objects that wait to be looked at.
  package var waiting: Int
  /// Of these, those whose time has come.
  package var due: Int
  package var running: Int
  package var claimsWithoutSpace: Int
  /// Claims under whose names volumes are kept that they may not have.
  package var keptConflicts: Int
  /// PVs in the ledger.
  package var bookings: Int
  package var reportingNodes: Int
  /// Claims whose node has left, and that are not deleted before somebody has looked at the PVs of others.
  package var claimsHeldBack: Int
  /// PVs whose claims were deleted because their node has left, and that nobody has dealt with yet.
  package var volumesSetAside: Int
  /// Everything has been listed once.
  package var isSynced: Bool
}
