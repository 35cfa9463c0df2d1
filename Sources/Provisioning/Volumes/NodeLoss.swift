internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What is kept of a PV whose claim does not stay when its node leaves the cluster. On the heap: of most PVs nothing is kept.
final class NodeLoss: Sendable {
  /// The hostname that the PV is pinned to.
  let hostname: String
  /// What its label says of the node.
  let node: String
  /// Its claim is being deleted or was deleted.
  let isSetAside: Bool

  init(hostname: String, node: String, isSetAside: Bool) {
    self.hostname = hostname
    self.node = node
    self.isSetAside = isSetAside
  }

  /// Nil for a PV that the loss of its node changes nothing of.
  init?(_ volume: PersistentVolume) {
    guard volume.isProvisionedByUs, let hostname = volume.hostname, let node = volume.labelledNode else { return nil }
    isSetAside = volume.isSetAside
    let mayBeSetAside = volume.recreatesClaim && volume.phase == "Bound" && !volume.metadata.isBeingDeleted
    guard isSetAside || mayBeSetAside else { return nil }
    self.hostname = hostname
    self.node = node
  }
}

extension PersistentVolume {
  /// Whether its class says that its claim is deleted when its node leaves the cluster.
  var recreatesClaim: Bool {
    metadata.annotations[ClusterNames.onNodeLossAnnotation] == NodeLossPolicy.recreateClaim.rawValue
  }

  /// Its claim is being deleted or was deleted because its node has left, and nobody has dealt with it since.
  var isSetAside: Bool { metadata.annotations[ClusterNames.nodeLossAnnotation] != nil }
}
