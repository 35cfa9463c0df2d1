internal import KeptVolumes
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// What the provisioner keeps of a PV: what it has, and all of it only while something is to be done.
struct KnownVolume: Sendable {
  var shown: ShownVolume
  var attention: Attention?
  var unrecorded: Unrecorded?
  var nodeLoss: NodeLoss?
  /// Of a PV whose volume outlives its claim.
  var kept: KeptVolume?

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
    guard let shown = ShownVolume(volume) else { return nil }
    self.shown = shown
    nodeLoss = NodeLoss(volume)
    kept = KeptVolume(volume)
    if volume.instance == nil { unrecorded = Unrecorded(volume) }
    if VolumeReview.verdict(on: volume) != .leave { attention = Attention(volume) }
  }
}
