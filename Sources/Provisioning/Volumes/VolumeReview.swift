package import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// What is to be done about a PV.
package enum VolumeVerdict: Hashable, Sendable {
  case leave
  /// Its claim is gone and the policy is Delete: the object goes, and its node's daemon removes the volume.
  case delete
  /// It is being deleted, and its node may remove the volume once it is certain that no claim has it.
  case agree
  /// It is being deleted and no daemon will ever answer for it: nobody has made the volume.
  case liftFinalizer
  /// It is being deleted, and its node's daemon has to remove the volume first: whether that node still exists counts.
  case awaitNode(hostname: String)
}

/// Looks at a PV; asks nobody.
package enum VolumeReview {
  package static func verdict(on volume: PersistentVolume) -> VolumeVerdict {
    guard volume.isOurs else { return .leave }
    if volume.metadata.isBeingDeleted { return verdictOnDeleted(volume) }
    // `Failed` is what the PV controller writes when it finds no plugin that can delete; the claim is gone as well.
    let isReleased = volume.phase == "Released" || volume.phase == "Failed"
    return isReleased && volume.isProvisionedByUs && volume.reclaimPolicy == "Delete" ? .delete : .leave
  }

  private static func verdictOnDeleted(_ volume: PersistentVolume) -> VolumeVerdict {
    guard volume.holdsOurFinalizer, !volume.isClaimed else { return .leave }
    if let hostname = volume.hostname ?? volume.labelledNode {
      let isRemoved = volume.reclaimPolicy == "Delete" && volume.isProvisionedByUs && volume.claim != nil
      return isRemoved && volume.removableInstance != volume.instance ?? ""
        ? .agree : .awaitNode(hostname: hostname)
    }
    // Pinned to no node, so it was never mounted and no volume was made.
    return .liftFinalizer
  }
}
