package import KubernetesAPI

/// The PVs of the cluster whose volumes outlive their claims, bound ones too. Finds the volumes for a claim without a
/// look at all of them.
package struct KeptVolumeIndex: Sendable {
  private var volumes: [String: KeptVolume] = [:]
  /// Names of PVs, by the claim that has the volume or had it last.
  private var byClaim: [ObjectKey: Set<String>] = [:]
  /// Names of PVs with an owner as identity, by the owner and the name of that claim.
  private var byOwner: [Owned: Set<String>] = [:]
  /// Names of PVs, by the claim that an operator has given them to.
  private var byGift: [ObjectKey: Set<String>] = [:]

  private struct Owned: Hashable, Sendable {
    var identity: KeptIdentity
    var claim: String
  }

  /// Has no volumes.
  package init() {}

  /// The volume of a PV; nil when there is none.
  package subscript(name: String) -> KeptVolume? { volumes[name] }

  /// All volumes, in no order.
  package var all: [KeptVolume] { Array(volumes.values) }

  /// Sets the volume of a PV; nil for a PV that is gone or whose volume does not outlive its claim.
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

  /// The volumes that may concern a claim: those of its namespace and name, those of its owner and name, and those that
  /// are given to it. Other claims may still use some of them.
  ///
  /// - Parameter identity: the identity of the claim's namespace; nil while it is not known.
  package func volumes(concerning claim: ObjectKey, _ identity: KeptIdentity?) -> [KeptVolume] {
    var names = (byClaim[claim] ?? []).union(byGift[claim] ?? [])
    if let identity { names.formUnion(byOwner[Owned(identity: identity, claim: claim.name)] ?? []) }
    return names.compactMap { volumes[$0] }
  }

  /// The volumes of the claims of a namespace, bound ones too. Looks at all volumes.
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
