internal import StorageLedger
internal import StorageModel
package import KubernetesAPI

/// The next step for a PV whose node may have left the cluster.
package enum NodeLossVerdict: Hashable, Sendable {
  /// Do nothing.
  case leave
  /// Step 1: set the PV aside. From then on, the volume stays even if its claim is deleted.
  case setAside
  /// Step 2: delete the claim.
  case deleteClaim
  /// Step 3, first part: the claim is being deleted. Delete the pods on the lost node, because they delay it.
  case awaitClaim
  /// Step 3, second part: the claim is gone. Also delete the pods that wait for it, because they do not get another
  /// claim.
  case deletePods
  /// There is another claim of that name. Delete the pods on the lost node; nothing else is left to do.
  case concluded
  /// The node has come back before the claim was deleted. Undo step 1.
  case putBack

  /// Whether the claim that the PV names is being deleted or gone, so that nothing can be undone any more.
  package var isClaimDeleted: Bool { [.awaitClaim, .deletePods, .concluded].contains(self) }
}

/// Whether a PV's node is in the cluster.
package enum NodePresence: Hashable, Sendable {
  /// The API server has the node.
  case there
  /// The API server does not have the node, but for less than the grace time, or the watch still shows it.
  case missing
  /// The API server has not had the node for the grace time.
  case gone
}

/// Why a pod cannot continue unless it is deleted.
package enum StuckPod: Hashable, Sendable {
  /// The pod is on this node, which is the PV's.
  case onNode(String)
  /// The pod waits for a claim that is gone.
  case unscheduled
}

/// Decides about a PV whose node may have left the cluster, and about pods. Sends no request.
package enum NodeLossReview {
  /// The next step for the PV.
  ///
  /// - Parameter claim: the claim with the name in the PV's `claimRef`; nil when there is none. Its UID may be another.
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
    // Kubernetes has not bound the two: an operator gives the PV to another claim, or has written the `claimRef` by
    // hand.
    guard isBound(volume, to: own) else { return .leave }
    switch node {
    case .there: return .putBack
    case .missing: return .leave
    // With any other policy, the volume would be deleted with its claim.
    case .gone: return volume.reclaimPolicy == "Retain" ? .deleteClaim : .leave
    }
  }

  private static func isBound(_ volume: PersistentVolume, to claim: PersistentVolumeClaim?) -> Bool {
    guard let claim, !claim.metadata.isBeingDeleted else { return false }
    return volume.phase == "Bound" && claim.volumeName == volume.metadata.name
  }

  /// Why the pod has to be deleted; nil for a pod that stays. No controller would create a pod without a controller
  /// again, so such a pod is deleted only if it delays its claim's deletion.
  ///
  /// - Parameter verdict: the verdict on the PV that the pod's claim was bound to.
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
