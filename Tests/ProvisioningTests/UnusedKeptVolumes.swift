import Controllers
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import Testing

@testable import Provisioning

/// For tests whose classes keep no volumes. A request about kept volumes is a defect.
struct UnusedKeptVolumes: KeptVolumeWrites {
  var serverTime: Timestamp? { nil }

  private func refuse<Value>(_ call: String = #function) throws(WriteFailure) -> Value {
    Issue.record("\(call) was called, although nothing is kept")
    throw WriteFailure(.rejected, "nothing is kept here")
  }

  func keptVolumes(for claim: ObjectKey, _ identity: KeptIdentity) async throws(WriteFailure) -> [PersistentVolume] {
    try refuse()
  }
  func keptVolume(_ name: String) async throws(WriteFailure) -> PersistentVolume? { try refuse() }
  func keptClaim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? { try refuse() }
  func keptNamespace(_ name: String) async throws(WriteFailure) -> Namespace? { try refuse() }
  func giveBack(
    _ volume: PersistentVolume, to claim: PersistentVolumeClaim, _ identity: KeptIdentity, storageClass: String
  ) async throws(WriteFailure) { let _: Void = try refuse() }
  func bind(_ claim: PersistentVolumeClaim, to volume: String) async throws(WriteFailure) { let _: Void = try refuse() }
  func reserve(_ volume: PersistentVolume, for claim: ObjectKey) async throws(WriteFailure) {
    let _: Void = try refuse()
  }
  func record(_ since: Timestamp, on volume: PersistentVolume) async throws(WriteFailure) { let _: Void = try refuse() }
  func record(end: Timestamp, on volume: PersistentVolume) async throws(WriteFailure) { let _: Void = try refuse() }
  func recordDeletion(on volume: PersistentVolume) async throws(WriteFailure) { let _: Void = try refuse() }
  func endKeeping(of volume: PersistentVolume) async throws(WriteFailure) { let _: Void = try refuse() }
  func hold(_ claim: PersistentVolumeClaim) async throws(WriteFailure) { let _: Void = try refuse() }
  func release(_ claim: PersistentVolumeClaim) async throws(WriteFailure) { let _: Void = try refuse() }
  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {}
}

extension KeptAccess {
  static let unused = KeptAccess(writes: UnusedKeptVolumes()) { _ in false }
}
