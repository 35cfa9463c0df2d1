internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// The fields of a PV whose claim is deleted when its node leaves the cluster. A class, because most PVs have no such
/// claim.
final class NodeLoss: Sendable {
  /// The hostname that the PV is pinned to.
  let hostname: String
  /// The node in the PV's label.
  let node: String
  /// Whether the PV is set aside.
  let isSetAside: Bool

  init(hostname: String, node: String, isSetAside: Bool) {
    self.hostname = hostname
    self.node = node
    self.isSetAside = isSetAside
  }

  /// Nil for a PV about which the loss of its node changes nothing.
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

  /// Whether the PV is set aside: its claim is being deleted or was deleted because its node has left.
  var isSetAside: Bool { metadata.annotations[ClusterNames.nodeLossAnnotation] != nil }
}
