package import Controllers
package import KubernetesAPI
package import StorageModel

/// The next action for the volume that a namespace asks for.
package enum NamespaceVolumeVerdict: Hashable, Sendable {
  /// Do nothing until something changes.
  case leave
  /// Create the claim.
  case create
  /// Raise the claim's request to this size.
  case raise(to: Quantity)
  /// Change nothing and send the refusal as an Event.
  case refuse(Refusal)
}

/// Decides about a namespace's volume. Sends no request.
package enum NamespaceVolumeReview {
  /// Compares what a namespace asks for with its claim and its storage class.
  ///
  /// - Parameters:
  ///   - claim: the claim of that name; nil when there is none.
  ///   - storageClass: the storage class of that name; nil when there is none.
  package static func verdict(
    on wish: NamespaceVolumeWish, claim: NamespaceClaim?, storageClass: StorageClass?
  ) -> NamespaceVolumeVerdict {
    do throws(Refusal) {
      guard let claim else {
        _ = try require(storageClass, wish)
        return .create
      }
      // When this claim is gone, another is created.
      if claim.isBeingDeleted { return .leave }
      try checkIsLikeOurs(claim, wish)
      guard canGrow(claim, to: wish.size) else { return .leave }
      guard try require(storageClass, wish).allowVolumeExpansion else {
        throw Refusal(
          .invalidNamespaceVolume,
          "label \(ClusterNames.namespaceVolumeLabel) asks for \(wish.size), and claim \(wish.claim.name) requests "
            + "\(claim.request?.description ?? "nothing"); storage class \(quoted(wish.storageClass)) does not let claims "
            + "grow. Set allowVolumeExpansion: true in the class")
      }
      return .raise(to: wish.size)
    } catch {
      return .refuse(error)
    }
  }

  /// Whether the request may be raised now: the claim is bound, and its previous growth has ended.
  ///
  /// Kubernetes accepts a larger request only from bound claims. While `status.capacity` is below the request, the
  /// expand controller and kubelet write to the claim. The expand controller of 1.20 crashes if another writer
  /// interferes.
  private static func canGrow(_ claim: NamespaceClaim, to size: Quantity) -> Bool {
    guard claim.isBound, let request = claim.request, let capacity = claim.capacity else { return false }
    return size > request && capacity >= request
  }

  private static func checkIsLikeOurs(
    _ claim: NamespaceClaim, _ wish: NamespaceVolumeWish
  ) throws(Refusal) {
    if !claim.isOurs {
      throw conflict(
        wish,
        "exists and was not created by the provisioner. Name another claim in annotation "
          + "\(ClusterNames.namespaceVolumeClaimAnnotation), delete this one, or hand it over with label "
          + "\(ClusterNames.namespaceVolumeLabel)=\(ClusterNames.namespaceVolumeMark)")
    }
    if claim.storageClass != wish.storageClass {
      throw conflict(
        wish,
        "has storage class \(quoted(claim.storageClass ?? "")), but the namespace asks for \(quoted(wish.storageClass)). A "
          + "claim's class cannot be changed: delete the claim, or name another claim in annotation "
          + "\(ClusterNames.namespaceVolumeClaimAnnotation)")
    }
    if !claim.isOfOurShape {
      throw conflict(
        wish,
        "has other access modes or another volume mode than ReadWriteOnce and Filesystem. Delete the claim, or name another "
          + "claim in annotation \(ClusterNames.namespaceVolumeClaimAnnotation)")
    }
  }

  private static func conflict(_ wish: NamespaceVolumeWish, _ message: String) -> Refusal {
    Refusal(.namespaceVolumeConflict, "claim \(wish.claim.name) \(message)")
  }

  private static func require(
    _ storageClass: StorageClass?, _ wish: NamespaceVolumeWish
  ) throws(Refusal) -> StorageClass {
    guard let storageClass else {
      throw Refusal(
        .invalidNamespaceVolume,
        "storage class \(quoted(wish.storageClass)) does not exist; create it, or name another class in annotation "
          + "\(ClusterNames.namespaceVolumeClassAnnotation)")
    }
    // We create claims only of our own classes.
    guard ClusterNames.provisioners.contains(storageClass.provisioner) else {
      throw Refusal(
        .invalidNamespaceVolume,
        "storage class \(quoted(wish.storageClass)) has provisioner \(quoted(storageClass.provisioner)); name a class of "
          + "\(ClusterNames.provisioner) in annotation \(ClusterNames.namespaceVolumeClassAnnotation)")
    }
    return storageClass
  }
}
