package import KubernetesAPI
package import StorageModel

/// What a PV says of its volume, through whichever door pods reach it.
package struct VolumeTerms: Hashable, Sendable {
  /// By the names of ``VolumeOptions/Name``.
  package var options: StringMap
  /// The file system that the PV names beside its options; empty for none.
  package var fsType: String
}

extension PersistentVolume {
  /// Who made it, and so deletes it.
  package static let provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"

  /// A volume that our daemons mount, whoever made the PV.
  package var isOurs: Bool { terms != nil }

  /// What a PV of ours says of its volume; nil for any other PV.
  package var terms: VolumeTerms? {
    guard let flexVolume, flexVolume.driver == ProductNames.driver else { return nil }
    return VolumeTerms(options: flexVolume.options, fsType: flexVolume.fsType)
  }

  /// One that we have made, and so have to delete.
  package var isProvisionedByUs: Bool {
    isOurs && metadata.annotations[Self.provisionedByAnnotation].map(ClusterNames.provisioners.contains) ?? false
  }

  package var holdsOurFinalizer: Bool { metadata.finalizers.contains(ClusterNames.finalizer) }

  /// The hostname that its node affinity names; nil when it names none, or several.
  package var hostname: String? {
    guard let terms = nodeAffinity?.terms, terms.count == 1, let only = terms.first,
      let requirement = only.expressions.first(where: { $0.key == ClusterNames.hostnameLabel }),
      requirement.operation == "In", requirement.values.count == 1
    else { return nil }
    return requirement.values.first
  }

  /// What its label says of the node. A PV of the Go program has it before it has an affinity.
  package var labelledNode: String? { metadata.labels[ClusterNames.nodeLabel] }

  /// Where on its node it is; nil where its options name what no node can have: no volume is made for it.
  package var place: DeviceClass? { terms.flatMap { DeviceClass($0.options) } }

  /// Whether a claim has it, or may have: deletion waits for that to end.
  package var isClaimed: Bool {
    phase == "Bound" || metadata.finalizers.contains("kubernetes.io/pv-protection")
  }

  /// The instance it was made as; nil when it has not been made, as far as is known.
  package var instance: String? { metadata.annotations[ClusterNames.instanceAnnotation] }

  /// The instance whose removal the provisioner has agreed to, since no claim names the PV; empty where the PV records
  /// none. Nil while it has not agreed.
  package var removableInstance: String? { metadata.annotations[ClusterNames.removalAnnotation] }

  /// What Kubernetes says that it has. More than a volume can have is the most that it can.
  package var size: ByteCount {
    guard let capacity else { return .zero }
    return min(capacity.byteCount ?? .largestVolume, .largestVolume)
  }

  /// What the volume was made with, or is to be made with (option `sizeBytes`). Zero for a PV without that option: no volume
  /// is made for it, and only its node can know the size of the one that is there.
  package var madeSize: ByteCount {
    terms?.options[VolumeOptions.Name.size.rawValue].flatMap { ByteCount(decimal: $0) } ?? .zero
  }

  /// What the ledger counts for it on a node; nil for one that takes no space anywhere.
  package func booking(on node: String) -> Booking? {
    place.map { Booking(node: node, place: $0, size: madeSize, wanted: size) }
  }
}

extension StorageClass {
  /// Where volumes of the class are on a node; nil for a class of which none is made.
  package var place: DeviceClass? { DeviceClass(parameters) }
}

extension DeviceClass {
  /// Nil where the values are none that a node accepts.
  fileprivate init?(_ options: StringMap) {
    do throws(VolumeError) {
      try self.init(
        volumeGroup: options[VolumeOptions.Name.volumeGroup.rawValue], thin: options[VolumeOptions.Name.thin.rawValue])
    } catch {
      return nil
    }
  }
}
