internal import KeptVolumes
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// The fields of a PV that the provisioner caches. The whole PV is cached only while it needs work.
struct KnownVolume: Sendable {
  /// The fields that the ledger counts.
  var shown: ShownVolume
  /// The PV, if it needs work; otherwise nil.
  var attention: Attention?
  /// Nil if the PV records an instance.
  var unrecorded: Unrecorded?
  /// Nil if the loss of the node changes nothing about the PV.
  var nodeLoss: NodeLoss?
  /// Nil if the volume does not outlive its claim.
  var kept: KeptVolume?

  /// The fields by which a report about a PV without an instance is checked. A class, because few PVs are without an
  /// instance for long.
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

  /// The whole PV. A class, because few PVs need work.
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
