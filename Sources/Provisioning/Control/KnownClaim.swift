internal import KeptVolumes
package import KubernetesAPI
internal import Pools

/// What the provisioner keeps of a claim: which PV it may have, and all of it only while something is to be done.
package struct KnownClaim: Sendable {
  /// A hash of its UID, of this process. That two are alike is not to be expected, and would keep a PV from being deleted.
  let uid: Int
  /// It is being deleted.
  let isGoing: Bool
  /// The PV that it names, unless it is the one that was made for it.
  let volumeName: String?
  let attention: PersistentVolumeClaim?
  /// What it says about the deletion of its data.
  let word: ClaimWord?
  /// Nil unless it was created for its namespace.
  let namespaceClaim: NamespaceClaim?
  /// Nil unless pools are concerned.
  let pools: PoolClaim?

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

/// Which claims there are, and which PVs they name.
struct ClaimIndex: Sendable {
  private var uids: [ObjectKey: Int] = [:]
  private var present: Set<Int> = []
  /// Of those, the ones that are being deleted.
  private var going: Set<Int> = []
  private var naming: [String: Set<ObjectKey>] = [:]
  private var names: [ObjectKey: String] = [:]

  /// - Parameter new: nil when the claim is gone.
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

  /// What is known of the claim of a UID; `gone` for an empty one.
  func state(ofUID uid: String) -> KeptHolder {
    let hash = KnownClaim.hash(uid)
    guard !uid.isEmpty, present.contains(hash) else { return .gone }
    return going.contains(hash) ? .going : .present
  }

  /// A claim that names the PV, or that the PV names; nil when there is none.
  func holder(of volume: PersistentVolume) -> String? {
    if let key = naming[volume.metadata.name]?.min(by: { $0.description < $1.description }) { return key.description }
    guard let claim = volume.claim, !claim.uid.isEmpty, present.contains(KnownClaim.hash(claim.uid)) else { return nil }
    return "\(claim.namespace)/\(claim.name)"
  }
}
