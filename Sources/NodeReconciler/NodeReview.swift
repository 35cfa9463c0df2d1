internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What this node has to do about a PV that names it.
enum NodeVerdict: Hashable, Sendable {
  case leave
  /// Its volume is to be there before kubelet asks.
  case prepare
  /// Made by hand: kubelet's mount makes the volume, and once it is there it is reported.
  case observe
  /// It is being deleted for good: the volume is removed, then reported as removed.
  case remove(RemovalProof)
  /// It is being deleted and its volume stays: marked as retained, then reported as kept.
  case keep
  /// Its label says this node, its affinity another.
  case contradiction(affinity: String)
}

/// What ties a PV that is being deleted to the volume that may go with it.
enum RemovalProof: Hashable, Sendable {
  /// The instance that the PV records.
  case instance(String)
  /// The UID of the claim that it was made for: of a PV that records none, as those of release 0.1 did at first.
  case claim(ClaimUID)
}

/// Looks at a PV; asks nobody. Rule 3 of the design, on the cluster's side.
enum NodeReview {
  static func verdict(on volume: PersistentVolume, hostname: String) -> NodeVerdict {
    guard volume.isOurs else { return .leave }
    if let other = volume.hostname, other != hostname { return .contradiction(affinity: other) }
    if volume.metadata.isBeingDeleted { return verdictOnDeleted(volume) }
    let isWanted = ["", "Pending", "Available", "Bound"].contains(volume.phase)
    guard isWanted, volume.hostname != nil else { return .leave }
    return volume.isProvisionedByUs ? .prepare : .observe
  }

  private static func verdictOnDeleted(_ volume: PersistentVolume) -> NodeVerdict {
    guard volume.holdsOurFinalizer, !volume.isClaimed else { return .leave }
    guard volume.reclaimPolicy == "Delete", volume.isProvisionedByUs else { return .keep }
    if let instance = volume.instance {
      // The provisioner alone sees all claims: it has to agree, about this very volume.
      return volume.removableInstance == instance ? .remove(.instance(instance)) : .leave
    }
    // Without its claim's UID nothing proves that the volume on the disk is this PV's.
    guard let claim = volume.claim.flatMap({ ClaimUID($0.uid) }) else { return .keep }
    return volume.removableInstance != nil ? .remove(.claim(claim)) : .leave
  }
}
