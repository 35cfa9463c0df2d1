package import Controllers
package import KubernetesAPI
package import LinuxSystem
internal import StorageModel

/// What is asked of the API server about kept volumes, beside lists and watches. A seam: tests put something else here.
///
/// Every call waits for the API server. A call that changes an object names its resource version as it was read: `conflict`
/// when it has changed since.
package protocol KeptVolumeWrites: Sendable {
  /// The API server's time of day; nil while it is not known.
  var serverTime: Timestamp? { get }
  /// All PVs that are kept for a claim, as the API server has them now.
  func keptVolumes(for claim: ObjectKey, _ identity: KeptIdentity) async throws(WriteFailure) -> [PersistentVolume]
  /// The PV as it is now; nil when there is none.
  func keptVolume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// The claim as it is now, with its finalizers and annotations; nil when there is none.
  func keptClaim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// The namespace as it is now; nil when there is none.
  func keptNamespace(_ name: String) async throws(WriteFailure) -> Namespace?

  /// Has the PV name another claim, with its UID. What was said about the time without a claim is over then.
  func giveBack(
    _ volume: PersistentVolume, to claim: PersistentVolumeClaim, _ identity: KeptIdentity, storageClass: String
  ) async throws(WriteFailure)
  /// Has a claim name the PV that names it: Kubernetes binds the two although the claim asks for more than the PV has.
  func bind(_ claim: PersistentVolumeClaim, to volume: String) async throws(WriteFailure)
  /// Has the PV name a claim that never was: Kubernetes binds it to nobody.
  func reserve(_ volume: PersistentVolume, for claim: ObjectKey) async throws(WriteFailure)
  /// Records since when the PV has had no claim.
  func record(_ since: Timestamp, on volume: PersistentVolume) async throws(WriteFailure)
  /// Records when the PV is deleted unless its claim comes back.
  func record(end: Timestamp, on volume: PersistentVolume) async throws(WriteFailure)
  /// Records on the PV that its data is to be deleted once no claim has it.
  func recordDeletion(on volume: PersistentVolume) async throws(WriteFailure)
  /// Ends the keeping: the PV's reclaim policy is Delete then, and it goes as any other.
  func endKeeping(of volume: PersistentVolume) async throws(WriteFailure)
  /// Holds the claim, when it is deleted, until what it says has been recorded.
  func hold(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Holds the claim no longer. One that is gone is fine.
  func release(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Records an Event on the object. Never waits and never fails.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}
