internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// What the provisioner keeps of a PV: what it has, and all of it only while something is to be done.
struct KnownVolume: Sendable {
  var uid: String
  var hostname: String?
  var labelledNode: String?
  var place: Booking.Place
  var madeSize: ByteCount
  var size: ByteCount
  var attention: Attention?

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
    if VolumeReview.verdict(on: volume) != .leave { attention = Attention(volume) }
  }
}
