import JSON
import KeptVolumes
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

/// What is true in a ``KeptWorld``, from every change of every object; and what must never have been true.
final class KeptTruth: Sendable {
  private let state = Mutex(State())

  fileprivate struct State {
    var namespaces: [String: KeptIdentity] = [:]
    /// Those with the word that their data is to be deleted.
    var deleting: Set<String> = []
    /// Claims that are there, by UID.
    var claims: [String: ObjectKey] = [:]
    /// When claims came, and when they went, by UID; counted in changes.
    var born: [String: Int] = [:]
    var gone: [String: Int] = [:]
    var changes = 0
    /// Whose data is on a PV since a claim was bound to it.
    var data: [String: Data] = [:]
    var volumes: [String: PersistentVolume] = [:]
    /// PVs whose data somebody has said may go.
    var condemned: Set<String> = []
    /// By time, then.
    var mayExpire = false
    var violations: [String] = []
  }

  struct Data: Hashable, Sendable {
    var identity: KeptIdentity
    var claim: ObjectKey
  }

  var violations: [String] { state.withLock { $0.violations } }
  /// Whose data is on a PV.
  func data(on volume: String) -> Data? { state.withLock { $0.data[volume] } }
  /// Somebody has said so on the PV.
  func condemn(_ volume: String) { state.withLock { _ = $0.condemned.insert(volume) } }
  func allowExpiry() { state.withLock { $0.mayExpire = true } }

  func see(_ change: SimulatedAPIServer.AuditedChange) {
    state.withLock { state in
      state.changes += 1
      switch change.resource {
      case "namespaces": state.seeNamespace(change)
      case "persistentvolumeclaims": state.seeClaim(change)
      case "persistentvolumes": state.seeVolume(change)
      default: break
      }
    }
  }
}

extension KeptTruth.State {
  fileprivate mutating func seeNamespace(_ change: SimulatedAPIServer.AuditedChange) {
    guard let namespace: Namespace = read(change.new) else { return }
    let known = KnownNamespace(namespace)
    namespaces[namespace.metadata.name] = change.isGone ? nil : known.identity
    deleting.remove(namespace.metadata.name)
    guard known.isDeletingData, !change.isGone else { return }
    deleting.insert(namespace.metadata.name)
    for (name, data) in data where data.claim.namespace == namespace.metadata.name && data.identity == known.identity {
      condemned.insert(name)
    }
  }

  fileprivate mutating func seeClaim(_ change: SimulatedAPIServer.AuditedChange) {
    guard let claim: PersistentVolumeClaim = read(change.new) else { return }
    let uid = claim.metadata.uid
    claims[uid] = change.isGone ? nil : claim.metadata.key
    born[uid] = born[uid] ?? changes
    if change.isGone { gone[uid] = changes }
    if claim.metadata.annotations[ClusterNames.deleteDataAnnotation] == "true", !claim.volumeName.isEmpty {
      condemned.insert(claim.volumeName)
    }
  }

  fileprivate mutating func seeVolume(_ change: SimulatedAPIServer.AuditedChange) {
    guard let new: PersistentVolume = read(change.new) else { return }
    let name = new.metadata.name
    if change.isGone {
      if data[name] != nil, !condemned.contains(name), !mayExpire { violations.append("\(name) went with its data") }
      volumes[name] = nil
      data[name] = nil
      return
    }
    let old = volumes[name]
    volumes[name] = new
    guard new.metadata.annotations[ClusterNames.keepAnnotation] != nil else { return }
    checkReference(new)
    checkHandOver(old, new)
    if old == nil { checkCreation(new) }
    if new.reclaimPolicy != "Retain" || new.metadata.isBeingDeleted, data[name] != nil, !condemned.contains(name),
      !mayExpire
    {
      violations.append("\(name) is to go with its data, and nobody has said so")
    }
    if new.phase == "Bound", let uid = new.claim?.uid, let key = claims[uid], let identity = namespaces[key.namespace] {
      data[name] = KeptTruth.Data(identity: identity, claim: key)
      if deleting.contains(key.namespace) { condemned.insert(name) }
    }
  }

  private mutating func checkReference(_ volume: PersistentVolume) {
    if volume.claim?.uid.isEmpty != false {
      violations.append("\(volume.metadata.name) names no claim with a UID: \(String(describing: volume.claim))")
    }
  }

  /// Nobody gets another's data, and nobody loses a volume that he has.
  private mutating func checkHandOver(_ old: PersistentVolume?, _ new: PersistentVolume) {
    guard let old, let uid = new.claim?.uid, uid != old.claim?.uid else { return }
    let name = new.metadata.name
    if let former = old.claim?.uid, claims[former] != nil { violations.append("\(name) was taken from a claim") }
    guard let key = claims[uid], let identity = namespaces[key.namespace], let data = data[name] else { return }
    let isGiven = old.metadata.annotations[ClusterNames.giveToAnnotation] == key.description
    let isSame =
      if case .owner = identity { data.identity == identity && data.claim.name == key.name } else {
        data == KeptTruth.Data(identity: identity, claim: key)
      }
    // It is the claim's from now on, although nothing is bound yet.
    if isSame || isGiven { self.data[name] = KeptTruth.Data(identity: identity, claim: key) }
    if !isSame, !isGiven { violations.append("\(name) of \(data) was given to \(key) of \(identity)") }
  }

  /// No second volume beside one that is kept for the claim.
  private mutating func checkCreation(_ volume: PersistentVolume) {
    guard let uid = volume.claim?.uid, let key = claims[uid], let identity = namespaces[key.namespace] else { return }
    for (name, data) in data where name != volume.metadata.name && !condemned.contains(name) {
      guard let other = volumes[name], !other.metadata.isBeingDeleted, other.reclaimPolicy == "Retain",
        other.metadata.annotations[ClusterNames.giveToAnnotation] == nil,
        isKept(other, before: uid),
        data.claim == key || data.identity == identity && isOwned(identity) && data.claim.name == key.name
      else { continue }
      violations.append("\(volume.metadata.name) was created for \(key), although \(name) is kept for \(data)")
    }
  }

  /// Whether a volume had no claim any more when a claim came. One that loses its claim later may be seen too late.
  private func isKept(_ volume: PersistentVolume, before claim: String) -> Bool {
    guard let holder = volume.claim?.uid, claims[holder] == nil else { return false }
    return (gone[holder] ?? 0) < (born[claim] ?? 0)
  }

  private func isOwned(_ identity: KeptIdentity) -> Bool { if case .owner = identity { true } else { false } }
}

private func read<Object: APIObject>(_ value: JSONValue) -> Object? {
  var json = JSONReader(value.encoded)
  return try? Object(json: &json)
}
