package import KubernetesAPI
package import StorageModel

/// What a PV specifies about its volume, for whichever door.
package struct VolumeTerms: Hashable, Sendable {
  /// Keyed by the names of ``VolumeOptions/Name``.
  package var options: StringMap
  /// The PV's own field for the file system, beside its options; empty for none.
  package var fsType: String
}

extension PersistentVolume {
  /// The provisioner that created the PV and therefore deletes it.
  package static let provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"

  /// Whether our daemons mount the volume, whoever created the PV.
  package var isOurs: Bool { terms != nil }

  /// What a PV of ours specifies about its volume; nil for any other PV.
  package var terms: VolumeTerms? {
    guard let flexVolume, flexVolume.driver == ProductNames.driver else { return nil }
    return VolumeTerms(options: flexVolume.options, fsType: flexVolume.fsType)
  }

  /// Whether we created the PV and therefore have to delete it.
  package var isProvisionedByUs: Bool {
    isOurs && metadata.annotations[Self.provisionedByAnnotation].map(ClusterNames.provisioners.contains) ?? false
  }

  /// Whether the PV has our finalizer.
  package var holdsOurFinalizer: Bool { metadata.finalizers.contains(ClusterNames.finalizer) }

  /// The hostname in its node affinity; nil when there is none or several.
  package var hostname: String? {
    guard let terms = nodeAffinity?.terms, terms.count == 1, let only = terms.first,
      let requirement = only.expressions.first(where: { $0.key == ClusterNames.hostnameLabel }),
      requirement.operation == "In", requirement.values.count == 1
    else { return nil }
    return requirement.values.first
  }

  /// The node of its label. A PV of the Go program has the label before it has an affinity.
  package var labelledNode: String? { metadata.labels[ClusterNames.nodeLabel] }

  /// Its device class; nil if its options name one that no node can have. No volume is created for such a PV.
  package var place: DeviceClass? { terms.flatMap { DeviceClass($0.options) } }

  /// The volume that its volume begins as a clone of; nil for an empty volume, and for options that no node accepts.
  package var origin: CloneOrigin? {
    guard let options = terms?.options, let text = options[VolumeOptions.Name.cloneOf.rawValue],
      let instance = options[VolumeOptions.Name.cloneOfInstance.rawValue]
    else { return nil }
    do throws(VolumeError) {
      return try CloneOrigin(name: try VolumeName(text), instance: instance)
    } catch {
      return nil
    }
  }

  /// Whether a claim uses it, or may use it. A deletion waits until none does.
  package var isClaimed: Bool {
    phase == "Bound" || metadata.finalizers.contains("kubernetes.io/pv-protection")
  }

  /// The instance of its volume; nil when none has been recorded.
  package var instance: String? { metadata.annotations[ClusterNames.instanceAnnotation] }

  /// The instance that the node may remove. The provisioner records it when no claim names the PV; empty if the PV
  /// records no instance. Nil before that.
  package var removableInstance: String? { metadata.annotations[ClusterNames.removalAnnotation] }

  /// The PV's capacity in Kubernetes, capped at the largest size of a volume.
  package var size: ByteCount {
    guard let capacity else { return .zero }
    return min(capacity.byteCount ?? .largestVolume, .largestVolume)
  }

  /// The size at creation (option `sizeBytes`). Zero for a PV without that option: no volume is created for it, and
  /// only its node can know the size of an existing one.
  package var madeSize: ByteCount {
    terms?.options[VolumeOptions.Name.size.rawValue].flatMap { ByteCount(decimal: $0) } ?? .zero
  }

  /// The PV's booking on a node; nil for one that takes no space anywhere.
  package func booking(on node: String) -> Booking? {
    place.map { Booking(node: node, place: $0, size: madeSize, wanted: size) }
  }
}

extension StorageClass {
  /// The device class of its volumes; nil for a storage class of which no volume is created.
  package var place: DeviceClass? { DeviceClass(parameters) }
}

extension DeviceClass {
  /// Nil if a value is one that no node accepts.
  fileprivate init?(_ options: StringMap) {
    do throws(VolumeError) {
      try self.init(
        volumeGroup: options[VolumeOptions.Name.volumeGroup.rawValue], thin: options[VolumeOptions.Name.thin.rawValue])
    } catch {
      return nil
    }
  }
}
