package import KubernetesAPI
internal import StorageModel

/// A node and a storage class, for which one CSIStorageCapacity object tells the scheduler the free space.
package struct CapacityPlace: Hashable, Sendable {
  /// The name of the node.
  package var node: String
  /// The node's label `kubernetes.io/hostname`.
  package var hostname: String
  /// The name of the storage class.
  package var storageClass: String

  /// Takes each field as it is.
  package init(node: String, hostname: String, storageClass: String) {
    self.node = node
    self.hostname = hostname
    self.storageClass = storageClass
  }

  /// The name of the object.
  package var objectName: String { ClusterNames.nodeCapacityObject(of: node, storageClass: storageClass) }

  /// Whether the object is for this place: its name, storage class and hostname fit. An object from before a change of
  /// the node or class does not fit.
  package func isSaid(by object: CSIStorageCapacity) -> Bool {
    object.metadata.name == objectName && object.storageClassName == storageClass
      && object.nodeLabels[ClusterNames.hostnameLabel] == hostname
  }
}
