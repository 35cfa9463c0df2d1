package import KubernetesAPI

/// The kept volumes of the cluster, by what claims look for.
package struct KeptVolumeIndex: Sendable {
  private var volumes: [String: KeptVolume] = [:]
  /// Names of PVs, by the claim that has a volume or had it last.
  private var byClaim: [ObjectKey: Set<String>] = [:]
  private var byOwner: [Owned: Set<String>] = [:]
  private var byGift: [ObjectKey: Set<String>] = [:]

  private struct Owned: Hashable, Sendable {
    var identity: KeptIdentity
    var claim: String
  }

  package init() {}

  package subscript(name: String) -> KeptVolume? { volumes[name] }

  /// All of them, in no order.
  package var all: [KeptVolume] { Array(volumes.values) }

  /// - Parameter new: nil when the PV is gone, or is not kept any more.
  package mutating func set(_ name: String, _ new: KeptVolume?) {
    if let former = volumes.removeValue(forKey: name) {
      if let claim = former.claim { Self.remove(name, &byClaim, claim) }
      if let owned = Self.owned(former) { Self.remove(name, &byOwner, owned) }
      if let gift = former.givenTo { Self.remove(name, &byGift, gift) }
    }
    guard let new else { return }
    volumes[name] = new
    if let claim = new.claim { byClaim[claim, default: []].insert(name) }
    if let owned = Self.owned(new) { byOwner[owned, default: []].insert(name) }
    if let gift = new.givenTo { byGift[gift, default: []].insert(name) }
  }

  /// The volumes that a claim may get: of its name, of its owner, or given to it. Some may be in use by other claims.
  ///
  /// - Parameter identity: of the claim's namespace; nil where it is not known.
  package func volumes(concerning claim: ObjectKey, _ identity: KeptIdentity?) -> [KeptVolume] {
    var names = (byClaim[claim] ?? []).union(byGift[claim] ?? [])
    if let identity { names.formUnion(byOwner[Owned(identity: identity, claim: claim.name)] ?? []) }
    return names.compactMap { volumes[$0] }
  }

  /// The volumes of the claims of a namespace, bound or kept.
  package func volumes(of namespace: String) -> [KeptVolume] {
    volumes.values.filter { $0.claim?.namespace == namespace }
  }

  private static func owned(_ volume: KeptVolume) -> Owned? {
    guard let identity = volume.identity, case .owner = identity, let claim = volume.claim else { return nil }
    return Owned(identity: identity, claim: claim.name)
  }

  private static func remove<Key>(_ name: String, _ index: inout [Key: Set<String>], _ key: Key) {
    index[key]?.remove(name)
    if index[key]?.isEmpty == true { index[key] = nil }
  }
}
