package import KeptVolumes
package import KubernetesAPI
package import StorageModel
internal import StorageLedger

/// Everything that the PV of a checked claim needs, except the node's labels.
package struct VolumeWish: Hashable, Sendable {
  /// The claim, with its UID.
  package var claim: ObjectReference
  /// The name of the PV.
  package var volume: String
  /// The size that the claim requests.
  package var size: ByteCount
  /// The parameters of the storage class.
  package var parameters: ClassParameters
  /// The name of the storage class.
  package var className: String
  /// The name of ours that the storage class has as provisioner.
  package var provisioner: String
  /// The PV's reclaim policy, unless the class keeps volumes.
  package var reclaimPolicy: String
  /// The node that the scheduler has chosen; nil if the claim is bound before a node is known.
  package var node: String?
  /// The terms of the storage class; empty allows every node.
  package var allowedTopologies: [StorageClass.TopologyTerm]
  /// Whose the volume is if the class keeps volumes. Nil until the namespace has been read.
  package var keptFor: KeptIdentity?
}

extension VolumeWish {
  /// The PV to create. It is complete: no later write adds anything that a mount needs.
  ///
  /// - Parameter hostname: the node's label `kubernetes.io/hostname`; nil for a volume that its first mount pins.
  package func persistentVolume(hostname: String?) -> PersistentVolume {
    var pv = PersistentVolume(
      metadata: ObjectMeta(
        name: volume, annotations: [PersistentVolume.provisionedByAnnotation: provisioner],
        finalizers: [ClusterNames.finalizer]))
    pv.capacity = Quantity(size)
    pv.accessModes = ["ReadWriteOnce"]
    pv.claim = claim
    pv.reclaimPolicy = reclaimPolicy
    pv.storageClassName = className
    pv.flexVolume = FlexVolumeSource(
      driver: ProductNames.driver, fsType: parameters.fileSystem?.rawValue ?? "",
      options: StringMap(parameters.volumeOptions(size: size, isUnpinned: node == nil)))
    if let keep = parameters.keep, let keptFor {
      let key = ObjectKey(namespace: claim.namespace, name: claim.name)
      pv.metadata.annotations[ClusterNames.keepAnnotation] = keep.description
      for (name, value) in KeptVolume.annotations(for: key, keptFor) { pv.metadata.annotations[name] = value }
      for (name, value) in KeptVolume.labels(for: key, keptFor) { pv.metadata.labels[name] = value }
      // Whatever the class says. So an older release, and a cluster without the provisioner, deletes nothing.
      pv.reclaimPolicy = "Retain"
    }
    if parameters.onNodeLoss != .keepClaim {
      pv.metadata.annotations[ClusterNames.onNodeLossAnnotation] = parameters.onNodeLoss.rawValue
    }
    if let node, let hostname {
      pv.metadata.labels[ClusterNames.nodeLabel] = ClusterNames.nodeLabelValue(node)
      pv.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: [hostname])
    }
    return pv
  }
}
