package import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// The next step for a PV.
package enum VolumeVerdict: Hashable, Sendable {
  /// Do nothing.
  case leave
  /// Delete the PV: its claim is gone and its policy is Delete. The node's daemon then removes the volume.
  case delete
  /// Let the node remove the volume once no claim names the PV. The PV is being deleted.
  case agree
  /// Lift our finalizer. The PV is being deleted, and its volume was never created, so no daemon will report about it.
  case liftFinalizer
  /// Wait until the node's daemon has removed the volume, or until the node has left for good. The PV is being deleted.
  case awaitNode(hostname: String)
}

/// Decides about a PV. Sends no request.
package enum VolumeReview {
  /// The next step for the PV. A PV that we did not create is never deleted.
  package static func verdict(on volume: PersistentVolume) -> VolumeVerdict {
    guard volume.isOurs else { return .leave }
    if volume.metadata.isBeingDeleted { return verdictOnDeleted(volume) }
    // The PV controller writes `Failed` when no plugin of its own can delete the volume. The claim is gone then, too.
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
    // The PV is pinned to no node, so it was never mounted and its volume was never created.
    return .liftFinalizer
  }
}
