internal import StorageLedger
internal import StorageModel
package import KubernetesAPI

/// What is to be done next about a PV whose node may have left the cluster.
package enum NodeLossVerdict: Hashable, Sendable {
  case leave
  /// Step 1: the PV is set aside, and from then on its volume is kept whatever becomes of its claim.
  case setAside
  /// Step 2: the claim is deleted.
  case deleteClaim
  /// The claim is being deleted. Step 3, first part: pods on the node that is gone hold it up.
  case awaitClaim
  /// The claim is gone. Step 3, second part: pods that wait for it do not get another by themselves.
  case deletePods
  /// There is another claim of that name. Pods on the node that is gone are all that may be left.
  case concluded
  /// The node has come back before the claim was deleted: step 1 is undone.
  case putBack

  /// There is no way back: the claim that the PV names is being deleted or gone.
  package var isClaimDeleted: Bool { [.awaitClaim, .deletePods, .concluded].contains(self) }
}

/// Whether a PV's node is in the cluster.
package enum NodePresence: Hashable, Sendable {
  case there
  /// It is not there, for less than the grace time; or it is not certain that it is not.
  case missing
  /// It has not been there for the grace time, and the API server has just said that it is not there.
  case gone
}

/// Why a pod cannot go on without being deleted.
package enum StuckPod: Hashable, Sendable {
  /// It was sent to the PV's node.
  case onNode(String)
  /// It waits for a claim that is gone.
  case unscheduled
}

/// Looks at a PV, its claim, its node and pods; asks nobody.
package enum NodeLossReview {
  /// - Parameter claim: the one that has the name that the PV's `claimRef` says, as the API server has it now.
  package static func verdict(
    on volume: PersistentVolume, _ claim: PersistentVolumeClaim?, _ node: NodePresence
  ) -> NodeLossVerdict {
    guard volume.isProvisionedByUs, !volume.metadata.isBeingDeleted, volume.hostname != nil, volume.labelledNode != nil,
      let meant = volume.claim, !meant.uid.isEmpty
    else { return .leave }
    let own = claim?.metadata.uid == meant.uid ? claim : nil
    guard volume.isSetAside else {
      return node == .gone && volume.recreatesClaim && isBound(volume, to: own) ? .setAside : .leave
    }
    guard let own else { return claim == nil ? .deletePods : .concluded }
    if own.metadata.isBeingDeleted { return .awaitClaim }
    // Somebody gives the PV to another claim, or has only written that it is this one's.
    guard isBound(volume, to: own) else { return .leave }
    switch node {
    case .there: return .putBack
    case .missing: return .leave
    // With any other policy the volume would go with its claim.
    case .gone: return volume.reclaimPolicy == "Retain" ? .deleteClaim : .leave
    }
  }

  private static func isBound(_ volume: PersistentVolume, to claim: PersistentVolumeClaim?) -> Bool {
    guard let claim, !claim.metadata.isBeingDeleted else { return false }
    return volume.phase == "Bound" && claim.volumeName == volume.metadata.name
  }

  /// Nil for a pod that is left alone. One without a controller is nobody's to create anew, so it is deleted only where it
  /// holds up its claim.
  ///
  /// - Parameter verdict: about the PV that the pod's claim was bound to.
  package static func stuck(
    _ pod: Pod, of volume: PersistentVolume, _ verdict: NodeLossVerdict, _ node: NodePresence
  ) -> StuckPod? {
    guard let claim = volume.claim, pod.metadata.namespace == claim.namespace, pod.claimNames.contains(claim.name),
      !pod.metadata.isBeingDeleted, pod.phase != "Succeeded", pod.phase != "Failed"
    else { return nil }
    if pod.nodeName.isEmpty {
      let isControlled = pod.metadata.ownerReferences.contains(where: \.isController)
      return verdict == .deletePods && isControlled ? .unscheduled : nil
    }
    let isThere = ClusterNames.nodeLabelValue(pod.nodeName) == volume.labelledNode
    return node == .gone && isThere ? .onNode(pod.nodeName) : nil
  }
}
