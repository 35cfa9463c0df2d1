internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What this node has to do about a PV that names it.
enum NodeVerdict: Hashable, Sendable {
  case leave
  /// Its volume is to be there before kubelet asks.
  case prepare
  /// It is going for good: the volume is removed, then the finalizer lifted.
  case remove(ClaimUID)
  /// It is going and its volume stays: marked as retained, then the finalizer lifted.
  case keep
  /// Its label says this node, its affinity another.
  case contradiction(affinity: String)
}

/// Looks at a PV; asks nobody. Rule 3 of the design, on the cluster's side.
enum NodeReview {
  static func verdict(on volume: PersistentVolume, hostname: String) -> NodeVerdict {
    guard volume.isOurs else { return .leave }
    if let other = volume.hostname, other != hostname { return .contradiction(affinity: other) }
    if volume.metadata.isBeingDeleted { return verdictOnDeleted(volume) }
    let isWanted = ["", "Pending", "Available", "Bound"].contains(volume.phase)
    return volume.isProvisionedByUs && volume.hostname != nil && isWanted ? .prepare : .leave
  }

  private static func verdictOnDeleted(_ volume: PersistentVolume) -> NodeVerdict {
    guard volume.holdsOurFinalizer, !volume.isClaimed else { return .leave }
    guard volume.reclaimPolicy == "Delete", volume.isProvisionedByUs else { return .keep }
    // Without its claim's UID nothing proves that the volume on the disk is this PV's.
    guard let claim = volume.claim.flatMap({ ClaimUID($0.uid) }) else { return .keep }
    return .remove(claim)
  }
}
