package import Controllers
package import KubernetesAPI
package import StorageModel

/// What is to be done about the volume that a namespace asks for.
package enum NamespaceVolumeVerdict: Hashable, Sendable {
  /// Nothing, or nothing before something changes.
  case leave
  case create
  /// The claim is to request more.
  case raise(to: Quantity)
  case refuse(Refusal)
}

/// Looks at what a namespace asks for and at its claim; asks nobody.
package enum NamespaceVolumeReview {
  /// - Parameters:
  ///   - claim: of the name that is asked for; nil when there is none.
  ///   - storageClass: of the name that is asked for; nil when there is none.
  package static func verdict(
    on wish: NamespaceVolumeWish, claim: NamespaceClaim?, storageClass: StorageClass?
  ) -> NamespaceVolumeVerdict {
    do throws(Refusal) {
      guard let claim else {
        _ = try require(storageClass, wish)
        return .create
      }
      // It is created again when this one has gone.
      if claim.isBeingDeleted { return .leave }
      try checkIsLikeOurs(claim, wish)
      guard canGrow(claim, to: wish.size) else { return .leave }
      guard try require(storageClass, wish).allowVolumeExpansion else {
        throw Refusal(
          .invalidNamespaceVolume,
          "label \(ClusterNames.namespaceVolumeLabel) asks for \(wish.size), and claim \(wish.claim.name) has "
            + "\(claim.request?.description ?? "no request"); storage class \(quoted(wish.storageClass)) does not let claims "
            + "grow. Set allowVolumeExpansion: true in the class")
      }
      return .raise(to: wish.size)
    } catch {
      return .refuse(error)
    }
  }

  /// Whether the request may be raised now.
  ///
  /// Kubernetes raises requests of bound claims only, and one at a time here: while `status.capacity` is below the request, its
  /// expand controller and kubelet write to the claim, and the controller of 1.20 crashes when such a write meets another.
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
        "has storage class \(quoted(claim.storageClass ?? "")), the namespace asks for \(quoted(wish.storageClass)). A "
          + "claim's class cannot be changed: delete the claim, or name another in annotation "
          + "\(ClusterNames.namespaceVolumeClaimAnnotation)")
    }
    if !claim.isOfOurShape {
      throw conflict(
        wish,
        "has other access modes or another volume mode than ReadWriteOnce and Filesystem. Delete the claim, or name another "
          + "in annotation \(ClusterNames.namespaceVolumeClaimAnnotation)")
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
        "storage class \(quoted(wish.storageClass)) does not exist; create it, or name another in annotation "
          + "\(ClusterNames.namespaceVolumeClassAnnotation)")
    }
    // Volumes of others are not ours to ask for.
    guard ClusterNames.provisioners.contains(storageClass.provisioner) else {
      throw Refusal(
        .invalidNamespaceVolume,
        "storage class \(quoted(wish.storageClass)) is of provisioner \(quoted(storageClass.provisioner)); name a class of "
          + "\(ClusterNames.provisioner) in annotation \(ClusterNames.namespaceVolumeClassAnnotation)")
    }
    return storageClass
  }
}
