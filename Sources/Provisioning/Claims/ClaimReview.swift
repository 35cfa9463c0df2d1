package import KubernetesAPI
internal import StorageModel

/// What is to be done about a claim that has no volume.
package enum ClaimVerdict: Hashable, Sendable {
  /// Somebody else's, or bound, or being deleted.
  case leave
  /// Ours, and the scheduler has not chosen a node yet.
  case wait
  case refuse(Refusal)
  case make(VolumeWish)

  /// The volume that is to be made; nil when none is, now.
  var volume: String? {
    guard case .make(let wish) = self else { return nil }
    return wish.volume
  }
}

/// Looks at a claim and its class; asks nobody.
package enum ClaimReview {
  /// - Parameter storageClass: the claim's class; nil when there is none of its name.
  package static func verdict(
    on claim: PersistentVolumeClaim, in storageClass: StorageClass?
  ) -> ClaimVerdict {
    guard claim.volumeName.isEmpty, !claim.metadata.isBeingDeleted, let provisioner = claim.provisioner,
      ClusterNames.provisioners.contains(provisioner)
    else { return .leave }
    do throws(Refusal) {
      let storageClass = try require(storageClass, of: claim, provisioner)
      let isImmediate = storageClass.volumeBindingMode != "WaitForFirstConsumer"
      guard isImmediate || claim.selectedNode != nil else { return .wait }
      let parameters = try ClassParameters(
        storageClass.parameters.dictionary, mountOptions: storageClass.mountOptions)
      try checkClass(storageClass, isImmediate: isImmediate)
      try checkShape(of: claim)
      return .make(
        VolumeWish(
          claim: claim.reference, volume: claim.volumeToMake, size: try size(of: claim), parameters: parameters,
          className: storageClass.metadata.name, provisioner: provisioner, reclaimPolicy: storageClass.reclaimPolicy,
          node: isImmediate ? nil : claim.selectedNode, allowedTopologies: storageClass.allowedTopologies))
    } catch {
      return .refuse(error)
    }
  }

  private static func require(
    _ storageClass: StorageClass?, of claim: PersistentVolumeClaim, _ provisioner: String
  ) throws(Refusal) -> StorageClass {
    guard let storageClass else {
      throw Refusal(.invalidStorageClass, "storage class \(quoted(claim.className ?? "")) does not exist")
    }
    guard storageClass.provisioner == provisioner else {
      throw Refusal(
        .invalidStorageClass,
        "storage class \(quoted(storageClass.metadata.name)) names provisioner \(quoted(storageClass.provisioner)), the "
          + "claim asks \(quoted(provisioner)); the class was changed after the claim was made. Make the claim anew")
    }
    return storageClass
  }

  private static func checkClass(_ storageClass: StorageClass, isImmediate: Bool) throws(Refusal) {
    guard ["Delete", "Retain"].contains(storageClass.reclaimPolicy) else {
      throw Refusal(
        .invalidStorageClass,
        "storage class: reclaimPolicy \(quoted(storageClass.reclaimPolicy)) is not possible; use Delete or Retain")
    }
    guard isImmediate, !storageClass.allowedTopologies.isEmpty else { return }
    throw Refusal(
      .invalidStorageClass,
      "storage class: allowedTopologies can be kept only when the scheduler chooses the node first; use "
        + "volumeBindingMode: WaitForFirstConsumer")
  }

  private static func checkShape(of claim: PersistentVolumeClaim) throws(Refusal) {
    if claim.volumeMode != "Filesystem" {
      throw Refusal(
        .unsupportedClaim,
        "volumeMode \(quoted(claim.volumeMode)) is not possible: the volumes are file systems; use volumeMode: Filesystem"
      )
    }
    if let mode = claim.accessModes.first(where: { $0 != "ReadWriteOnce" }) {
      throw Refusal(
        .unsupportedClaim,
        "access mode \(quoted(mode)) is not possible: the volume is on one node's disk; use ReadWriteOnce, which lets any "
          + "number of pods on that node share it, read-only too")
    }
    if claim.hasSelector {
      throw Refusal(
        .unsupportedClaim,
        "a claim with a selector is not provisioned; leave the selector out, or name an existing PV in volumeName")
    }
    if let source = claim.dataSource {
      throw Refusal(
        .unsupportedClaim,
        "data source \(quoted(source)) is not possible: volumes are made empty; leave it out and fill the volume from a pod"
      )
    }
  }

  private static func size(of claim: PersistentVolumeClaim) throws(Refusal) -> ByteCount {
    guard let request = claim.request, let size = request.byteCount, size > .zero, size.bytes <= UInt64(Int64.max)
    else {
      throw Refusal(
        .unsupportedClaim,
        "a request of \(claim.request?.description ?? "no") storage is not possible; set spec.resources.requests.storage"
      )
    }
    return size
  }
}
