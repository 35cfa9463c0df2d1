package import KubernetesAPI
internal import StorageModel

/// The properties of a PV of ours that the ledger counts, from a list, a watch or a read.
package struct ShownVolume: Sendable {
  /// The UID of the PV.
  package var uid: String
  /// The hostname that the PV is pinned to.
  var hostname: String?
  /// The node of its label, if the PV is pinned to no hostname.
  var labelledNode: String?
  /// Nil if its options name a device class that no node can have.
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

  /// Nil for a PV without a node, and for one whose device class no node can have.
  func booking(_ hostnames: Hostnames) -> Booking? {
    guard let node = hostname ?? labelledNode.map(hostnames.hostname(for:)), let place else { return nil }
    return Booking(node: node, place: place, size: madeSize, wanted: size)
  }
}
