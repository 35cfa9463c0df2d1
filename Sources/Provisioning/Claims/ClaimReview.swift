package import Controllers
package import KubernetesAPI
internal import StorageModel

/// The next action for a claim without a volume.
package enum ClaimVerdict: Hashable, Sendable {
  /// Do nothing: the claim is another provisioner's, is bound, or is being deleted.
  case leave
  /// Wait until the scheduler has chosen a node. Carries the volume to create then. It is nil for a claim with a
  /// selector, which may be meant for an existing PV, and for a claim that will be refused once a pod uses it.
  case wait(VolumeWish?)
  /// Create nothing and send the refusal as an Event.
  case refuse(Refusal)
  /// Create this volume.
  case make(VolumeWish)
}

/// Decides about a claim without a volume. Sends no request.
package enum ClaimReview {
  /// Checks a claim and its storage class.
  ///
  /// - Parameter storageClass: the claim's storage class; nil when there is none of that name.
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

  /// The provisioner of a class that waits for a pod. Kubernetes writes no provisioner on the claim before a node is
  /// chosen (`syncUnboundClaim` of the PV controller).
  private static func provisioner(whileWaiting storageClass: StorageClass?) -> String? {
    guard let storageClass, !storageClass.isImmediate else { return nil }
    return storageClass.provisioner
  }

  private static func laterWish(for claim: PersistentVolumeClaim, _ storageClass: StorageClass) -> VolumeWish? {
    guard !claim.hasSelector else { return nil }
    // An unsupported claim is not refused yet, because Kubernetes may still bind it to an existing PV.
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
        "storage class \(quoted(storageClass.metadata.name)) names provisioner \(quoted(storageClass.provisioner)), but the "
          + "claim names \(quoted(provisioner)); the class was changed after the claim was created. Create the claim again"
      )
    }
    return storageClass
  }

  private static func checkClass(_ storageClass: StorageClass) throws(Refusal) {
    guard ["Delete", "Retain"].contains(storageClass.reclaimPolicy) else {
      throw Refusal(
        .invalidStorageClass,
        "storage class: reclaimPolicy \(quoted(storageClass.reclaimPolicy)) is not supported; use Delete or Retain")
    }
    guard storageClass.isImmediate, !storageClass.allowedTopologies.isEmpty else { return }
    throw Refusal(
      .invalidStorageClass,
      "storage class: allowedTopologies is supported only if the scheduler chooses the node first; use "
        + "volumeBindingMode: WaitForFirstConsumer")
  }

  private static func checkShape(of claim: PersistentVolumeClaim) throws(Refusal) {
    if claim.volumeMode != "Filesystem" {
      throw Refusal(
        .unsupportedClaim,
        "volumeMode \(quoted(claim.volumeMode)) is not supported: the volumes are file systems; use volumeMode: Filesystem"
      )
    }
    if !claim.volumeAttributesClassName.isEmpty {
      throw Refusal(
        .unsupportedClaim,
        "volumeAttributesClassName \(quoted(claim.volumeAttributesClassName)) is not supported: Kubernetes offers it for CSI "
          + "volumes only, and would never bind the claim. Create the claim again without it")
    }
    if claim.accessModes.contains("ReadWriteOncePod") {
      throw Refusal(
        .unsupportedClaim,
        "access mode ReadWriteOncePod is not supported: Kubernetes offers it for CSI volumes only. With ReadWriteOnce, any "
          + "number of pods on the node can use the volume; the workload then has to ensure that there is only one")
    }
    if let mode = claim.accessModes.first(where: { $0 != "ReadWriteOnce" }) {
      throw Refusal(
        .unsupportedClaim,
        "access mode \(quoted(mode)) is not supported: the volume is on one node's disk; use ReadWriteOnce: any number of "
          + "pods on that node can share the volume, also read-only")
    }
    if claim.hasSelector {
      throw Refusal(
        .unsupportedClaim,
        "a selector is not supported: it selects existing PVs only; remove the selector, or name an existing PV in "
          + "volumeName")
    }
    if let source = claim.dataSource {
      throw Refusal(
        .unsupportedClaim,
        "data source \(quoted(source)) is not supported: volumes are created empty; remove it and fill the volume from a pod"
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
        "a request of \(claim.request?.description ?? "no") storage is not supported; set spec.resources.requests.storage"
      )
    }
    guard size >= parameters.minimumSize else {
      throw Refusal(
        .unsupportedClaim,
        "a request of \(size) is too small for \((parameters.fileSystem ?? .standard).rawValue), which needs "
          + "\(parameters.minimumSize); request more, or use a class with another file system")
    }
    return size
  }
}
