package import KeptVolumes
package import KubernetesAPI
package import StorageModel
internal import StorageLedger

/// A claim that has been found good: all that a PV is made of, but for the node's labels.
package struct VolumeWish: Hashable, Sendable {
  /// The claim, with its UID.
  package var claim: ObjectReference
  package var volume: String
  package var size: ByteCount
  package var parameters: ClassParameters
  package var className: String
  /// By which of our names we were asked.
  package var provisioner: String
  package var reclaimPolicy: String
  /// The scheduler's choice; nil when the claim is bound before a node is known.
  package var node: String?
  /// Of the class; empty allows every node.
  package var allowedTopologies: [StorageClass.TopologyTerm]
  /// Of a class that keeps volumes: for whom this one is kept. Nil until the namespace has been read.
  package var keptFor: KeptIdentity?
}

extension VolumeWish {
  /// The PV. Everything it will ever need is in this one write.
  ///
  /// - Parameter hostname: the node's `kubernetes.io/hostname` label; nil for a volume that is pinned by its first mount.
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
      // Whatever the class says: who deletes it has to say so. An older release, or none, deletes nothing then.
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
