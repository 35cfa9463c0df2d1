package import Controllers
package import KubernetesAPI
internal import StorageModel

/// What is to be done about a claim that has no volume.
package enum ClaimVerdict: Hashable, Sendable {
  /// Somebody else's, or bound, or being deleted.
  case leave
  /// Ours, and the scheduler has not chosen a node yet. With what is to be made then, unless that is not known: the claim may
  /// be meant for a PV that somebody has made, or is to be refused when a pod uses it.
  case wait(VolumeWish?)
  case refuse(Refusal)
  case make(VolumeWish)
}

/// Looks at a claim and its class; asks nobody.
package enum ClaimReview {
  /// - Parameter storageClass: the claim's class; nil when there is none of its name.
  package static func verdict(
    on claim: PersistentVolumeClaim, in storageClass: StorageClass?
  ) -> ClaimVerdict {
    guard claim.volumeName.isEmpty, !claim.metadata.isBeingDeleted,
      let provisioner = claim.provisioner ?? provisioner(whileWaiting: storageClass),
      ClusterNames.provisioners.contains(provisioner)
    else { return .leave }
    do throws(Refusal) {
      let storageClass = try require(storageClass, of: claim, provisioner)
      if !storageClass.isImmediate, claim.selectedNode == nil { return .wait(laterWish(for: claim, storageClass)) }
      return .make(try wish(for: claim, storageClass))
    } catch {
      return .refuse(error)
    }
  }

  /// Kubernetes asks nobody to provision before a node is chosen (the PV controller's `syncUnboundClaim`).
  private static func provisioner(whileWaiting storageClass: StorageClass?) -> String? {
    guard let storageClass, !storageClass.isImmediate else { return nil }
    return storageClass.provisioner
  }

  private static func laterWish(for claim: PersistentVolumeClaim, _ storageClass: StorageClass) -> VolumeWish? {
    guard !claim.hasSelector else { return nil }
    // What is wrong with the claim is said when it is to be provisioned: until then it may be bound to a PV that fits it.
    do throws(Refusal) { return try wish(for: claim, storageClass) } catch { return nil }
  }

  private static func wish(
    for claim: PersistentVolumeClaim, _ storageClass: StorageClass
  ) throws(Refusal) -> VolumeWish {
    let parameters = try ClassParameters(
      storageClass.parameters.dictionary, mountOptions: storageClass.mountOptions)
    try checkClass(storageClass)
    try checkShape(of: claim)
    return VolumeWish(
      claim: claim.reference, volume: claim.volumeToMake, size: try size(of: claim, parameters), parameters: parameters,
      className: storageClass.metadata.name, provisioner: storageClass.provisioner,
      reclaimPolicy: storageClass.reclaimPolicy, node: storageClass.isImmediate ? nil : claim.selectedNode,
      allowedTopologies: storageClass.allowedTopologies)
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

  private static func checkClass(_ storageClass: StorageClass) throws(Refusal) {
    guard ["Delete", "Retain"].contains(storageClass.reclaimPolicy) else {
      throw Refusal(
        .invalidStorageClass,
        "storage class: reclaimPolicy \(quoted(storageClass.reclaimPolicy)) is not possible; use Delete or Retain")
    }
    guard storageClass.isImmediate, !storageClass.allowedTopologies.isEmpty else { return }
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
    if !claim.volumeAttributesClassName.isEmpty {
      throw Refusal(
        .unsupportedClaim,
        "volumeAttributesClassName \(quoted(claim.volumeAttributesClassName)) is not possible: Kubernetes offers it for CSI "
          + "volumes only, and would never bind the claim. Make the claim anew without it")
    }
    if claim.accessModes.contains("ReadWriteOncePod") {
      throw Refusal(
        .unsupportedClaim,
        "access mode ReadWriteOncePod is not possible: Kubernetes offers it for CSI volumes only, and FlexVolume has nothing "
          + "like it. With ReadWriteOnce any number of pods on the node can use the volume; that there is only one is then "
          + "for the workload to ensure")
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

  private static func size(
    of claim: PersistentVolumeClaim, _ parameters: ClassParameters
  ) throws(Refusal) -> ByteCount {
    guard let request = claim.request, let size = request.byteCount, size > .zero, size.bytes <= UInt64(Int64.max)
    else {
      throw Refusal(
        .unsupportedClaim,
        "a request of \(claim.request?.description ?? "no") storage is not possible; set spec.resources.requests.storage"
      )
    }
    guard size >= parameters.minimumSize else {
      throw Refusal(
        .unsupportedClaim,
        "a request of \(size) is too small for \((parameters.fileSystem ?? .standard).rawValue), which needs "
          + "\(parameters.minimumSize); ask for more, or use a class with another file system")
    }
    return size
  }
}
