internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// What the provisioner keeps of a PV: what it has, and all of it only while something is to be done.
struct KnownVolume: Sendable {
  var uid: String
  var hostname: String?
  var labelledNode: String?
  var place: DeviceClass?
  var madeSize: ByteCount
  var size: ByteCount
  var attention: Attention?
  var unrecorded: Unrecorded?

  /// What a report about a PV that records no instance yet is checked by. On the heap, since few are without for long.
  final class Unrecorded: Sendable {
    let uid: String
    let node: String?
    let isProvisionedByUs: Bool

    init(_ volume: PersistentVolume) {
      uid = volume.metadata.uid
      node = volume.labelledNode
      isProvisionedByUs = volume.isProvisionedByUs
    }
  }

  /// On the heap, since few have it.
  final class Attention: Sendable {
    let volume: PersistentVolume

    init(_ volume: PersistentVolume) { self.volume = volume }
  }

  /// Nil for a PV that is not ours.
  init?(_ volume: PersistentVolume) {
    guard volume.isOurs else { return nil }
    uid = volume.metadata.uid
    hostname = volume.hostname
    labelledNode = hostname == nil ? volume.labelledNode : nil
    place = volume.place
    madeSize = volume.madeSize
    size = volume.size
    if volume.instance == nil { unrecorded = Unrecorded(volume) }
    if VolumeReview.verdict(on: volume) != .leave { attention = Attention(volume) }
  }
}
