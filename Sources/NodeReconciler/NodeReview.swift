internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What this node has to do with a PV that names it.
enum NodeVerdict: Hashable, Sendable {
  case leave
  /// Creates the volume before kubelet asks for it.
  case prepare
  /// The PV was written by hand. Kubelet's mount creates the volume, and then it is reported.
  case observe
  /// The PV is being deleted, and its volume too: the volume is removed, then reported as removed.
  case remove(RemovalProof)
  /// The PV is being deleted, and its volume stays: it is marked as retained, then reported as
  /// ``VolumeReport/State/kept``.
  case retain
  /// Its label names this node, its affinity another.
  case contradiction(affinity: String)
}

/// Evidence that a volume belongs to a PV that is being deleted.
enum RemovalProof: Hashable, Sendable {
  /// The instance that the PV records.
  case instance(String)
  /// The UID of the claim that the volume was created for, if the PV records no instance. Early PVs of release 0.1 do
  /// not.
  case claim(ClaimUID)
}

/// Decides what to do with a PV, without any request. Rule 3 of the design, on the node's side.
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
    guard volume.reclaimPolicy == "Delete", volume.isProvisionedByUs else { return .retain }
    if let instance = volume.instance {
      // Only the provisioner sees all claims. It must have agreed to the removal of exactly this instance.
      return volume.removableInstance == instance ? .remove(.instance(instance)) : .leave
    }
    // Without its claim's UID nothing proves that the volume on the disk is this PV's.
    guard let claim = volume.claim.flatMap({ ClaimUID($0.uid) }) else { return .retain }
    return volume.removableInstance != nil ? .remove(.claim(claim)) : .leave
  }
}
