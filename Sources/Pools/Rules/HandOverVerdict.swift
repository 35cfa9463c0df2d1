package import KubernetesAPI

/// What is to be done about the PV that a checkout's claim names.
package enum HandOverVerdict: Hashable, Sendable {
  /// The PV is to name the claim.
  case handOver
  /// The PV names the claim already, and Kubernetes binds the two.
  case isOurs
  /// The claim never gets it.
  case isLost

  /// - Parameters:
  ///   - volume: the PV as the API server has it; nil when there is none.
  ///   - claim: the UID of the checkout's claim.
  ///   - replicas: UIDs of the replicas of the checkout's pool that are ready.
  package init(_ volume: PersistentVolume?, claim: String, replicas: Set<String>) {
    guard let volume, let holder = volume.claim?.uid, !holder.isEmpty else {
      self = .isLost
      return
    }
    if holder == claim {
      self = .isOurs
    } else if replicas.contains(holder), volume.phase == "Bound", !volume.metadata.isBeingDeleted {
      self = .handOver
    } else {
      // Nothing but a ready replica of its own pool is handed to a checkout, whatever its claim names.
      self = .isLost
    }
  }
}
