package import KubernetesAPI
internal import StorageModel

/// What the ledger counts of a PV of ours, as a list, a watch or a read shows it.
package struct ShownVolume: Sendable {
  package var uid: String
  /// The hostname that the PV is pinned to.
  var hostname: String?
  /// What its label says of the node, where it is pinned to no hostname.
  var labelledNode: String?
  /// Nil where its options name what no node can have.
  var place: DeviceClass?
  var madeSize: ByteCount
  var size: ByteCount

  /// Nil for a PV that is not ours.
  package init?(_ volume: PersistentVolume) {
    guard volume.isOurs else { return nil }
    uid = volume.metadata.uid
    hostname = volume.hostname
    labelledNode = hostname == nil ? volume.labelledNode : nil
    place = volume.place
    madeSize = volume.madeSize
    size = volume.size
  }

  /// Nil for a PV without a node, and for one whose volume no node can create.
  func booking(_ hostnames: Hostnames) -> Booking? {
    guard let node = hostname ?? labelledNode.map(hostnames.hostname(for:)), let place else { return nil }
    return Booking(node: node, place: place, size: madeSize, wanted: size)
  }
}
