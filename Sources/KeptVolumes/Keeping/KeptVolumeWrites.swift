package import Controllers
package import KubernetesAPI
package import LinuxSystem
internal import StorageModel

/// The requests about kept volumes, beside lists and watches. Tests replace this with a cluster in memory.
///
/// Every `async` call waits for the API server and throws ``WriteFailure``. A call that changes an object names the
/// resource version that was read. It throws `conflict` if the object has changed since, and `missing` if it is gone.
package protocol KeptVolumeWrites: Sendable {
  /// The API server's time of day; nil before the first answer of the API server. Sends no request.
  var serverTime: Timestamp? { get }
  /// Lists all PVs that are kept for a claim.
  func keptVolumes(for claim: ObjectKey, _ identity: KeptIdentity) async throws(WriteFailure) -> [PersistentVolume]
  /// Reads the PV; nil when it does not exist.
  func keptVolume(_ name: String) async throws(WriteFailure) -> PersistentVolume?
  /// Reads the claim, with its finalizers and annotations; nil when it does not exist.
  func keptClaim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim?
  /// Reads the namespace; nil when it does not exist.
  func keptNamespace(_ name: String) async throws(WriteFailure) -> Namespace?

  /// Sets the PV's `claimRef` to this claim, with its UID. The same request removes what the PV records about its time
  /// without a claim.
  func giveBack(
    _ volume: PersistentVolume, to claim: PersistentVolumeClaim, _ identity: KeptIdentity, storageClass: String
  ) async throws(WriteFailure)
  /// Sets the claim's `volumeName` to the PV that names the claim. Kubernetes then binds the two even if the claim
  /// requests more than the PV has.
  func bind(_ claim: PersistentVolumeClaim, to volume: String) async throws(WriteFailure)
  /// Sets the PV's `claimRef` to this name with a UID that no claim has. Kubernetes then binds the PV to no claim.
  func reserve(_ volume: PersistentVolume, for claim: ObjectKey) async throws(WriteFailure)
  /// Records since when the PV has had no claim.
  func record(_ since: Timestamp, on volume: PersistentVolume) async throws(WriteFailure)
  /// Records when the volume is deleted unless its claim comes back.
  func record(end: Timestamp, on volume: PersistentVolume) async throws(WriteFailure)
  /// Records on the PV that its data is deleted once no claim has it.
  func recordDeletion(on volume: PersistentVolume) async throws(WriteFailure)
  /// Sets the PV's reclaim policy to Delete. The provisioner then deletes the PV like any other.
  func endKeeping(of volume: PersistentVolume) async throws(WriteFailure)
  /// Adds our finalizer to the claim. A deleted claim then stays until its deletion request is recorded on the PV.
  /// Throws `rejected` if the claim is being deleted.
  func hold(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Removes our finalizer from the claim. A claim that is gone is not an error.
  func release(_ claim: PersistentVolumeClaim) async throws(WriteFailure)
  /// Sends an Event on the object. Does not wait and does not fail.
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String)
}
