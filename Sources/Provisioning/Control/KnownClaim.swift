internal import KeptVolumes
package import KubernetesAPI
internal import Pools

/// The fields of a claim that the provisioner caches. The whole claim is cached only while it needs work.
package struct KnownClaim: Sendable {
  /// A hash of the UID, valid in this process only. Two claims hardly ever have the same hash. If they do, a PV is not
  /// deleted while the other claim exists.
  let uid: Int
  /// Whether the claim is being deleted.
  let isGoing: Bool
  /// The PV that the claim names; nil for none, and for the PV that was created for the claim.
  let volumeName: String?
  /// The claim, if it needs work; otherwise nil.
  let attention: PersistentVolumeClaim?
  /// The claim's deletion request; nil if it has none.
  let word: ClaimWord?
  /// The fields that count for a namespace's volume; nil if the claim was not created for its namespace.
  let namespaceClaim: NamespaceClaim?
  /// Nil unless pools are concerned.
  let pools: PoolClaim?

  /// Takes the fields from a claim.
  ///
  /// - Parameter hasPools: whether this process has pools.
  package init(_ claim: PersistentVolumeClaim, hasPools: Bool = false) {
    uid = Self.hash(claim.metadata.uid)
    isGoing = claim.metadata.isBeingDeleted
    volumeName = claim.volumeName.isEmpty || claim.volumeName == claim.volumeToMake ? nil : claim.volumeName
    attention = claim.needsAttention ? claim.pruned : nil
    word = ClaimWord(claim)
    namespaceClaim = NamespaceClaim(ifOurs: claim)
    pools = hasPools ? PoolClaim(claim) : nil
  }

  static func hash(_ uid: String) -> Int { uid.hashValue }
}

/// All claims of the cluster: their UIDs, and the PVs that they name.
struct ClaimIndex: Sendable {
  private var uids: [ObjectKey: Int] = [:]
  /// The UID hashes of all claims.
  private var present: Set<Int> = []
  /// The UID hashes of claims that are being deleted.
  private var going: Set<Int> = []
  /// The claims that name a PV, by the PV's name.
  private var naming: [String: Set<ObjectKey>] = [:]
  /// The PV that a claim names.
  private var names: [ObjectKey: String] = [:]

  /// Sets a claim; nil for one that is gone.
  mutating func set(_ key: ObjectKey, _ new: KnownClaim?) {
    if let uid = uids.removeValue(forKey: key) {
      present.remove(uid)
      going.remove(uid)
    }
    if let name = names.removeValue(forKey: key) {
      naming[name]?.remove(key)
      if naming[name]?.isEmpty == true { naming[name] = nil }
    }
    guard let new else { return }
    uids[key] = new.uid
    present.insert(new.uid)
    if new.isGoing { going.insert(new.uid) }
    guard let name = new.volumeName else { return }
    names[key] = name
    naming[name, default: []].insert(key)
  }

  /// The state of the claim with this UID; `gone` for an empty UID.
  func state(ofUID uid: String) -> KeptHolder {
    let hash = KnownClaim.hash(uid)
    guard !uid.isEmpty, present.contains(hash) else { return .gone }
    return going.contains(hash) ? .going : .present
  }

  /// A claim that names the PV or that the PV names, as `namespace/name`; nil when there is none.
  func holder(of volume: PersistentVolume) -> String? {
    if let key = naming[volume.metadata.name]?.min(by: { $0.description < $1.description }) { return key.description }
    guard let claim = volume.claim, !claim.uid.isEmpty, present.contains(KnownClaim.hash(claim.uid)) else { return nil }
    return "\(claim.namespace)/\(claim.name)"
  }
}
