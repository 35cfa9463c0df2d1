package import KubernetesAPI
internal import StorageModel

/// A node and a class: what the scheduler is told a figure of space for.
package struct CapacityPlace: Hashable, Sendable {
  package var node: String
  package var hostname: String
  package var storageClass: String

  package init(node: String, hostname: String, storageClass: String) {
    self.node = node
    self.hostname = hostname
    self.storageClass = storageClass
  }

  /// The name of the object that says it.
  package var objectName: String { ClusterNames.nodeCapacityObject(of: node, storageClass: storageClass) }

  /// Whether an object says it, and not something that was true once.
  package func isSaid(by object: CSIStorageCapacity) -> Bool {
    object.metadata.name == objectName && object.storageClassName == storageClass
      && object.nodeLabels[ClusterNames.hostnameLabel] == hostname
  }
}
