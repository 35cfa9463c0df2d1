import JSON
import KeptVolumes
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

/// The true state of a ``KeptWorld``, from every change of every object, and the violations of what must always hold.
final class KeptTruth: Sendable {
  private let state = Mutex(State())

  fileprivate struct State {
    var namespaces: [String: KeptIdentity] = [:]
    /// UIDs of claims with a deletion request.
    var deleting: Set<String> = []
    /// UIDs of the existing claims.
    var claims: [String: ObjectKey] = [:]
    /// When claims were created and deleted, by UID. The time is the number of changes so far.
    var born: [String: Int] = [:]
    var gone: [String: Int] = [:]
    var changes = 0
    /// The identity whose data is on a PV, since a claim was bound to it.
    var data: [String: Data] = [:]
    var volumes: [String: PersistentVolume] = [:]
    /// PVs whose data may be deleted because that was requested.
    var condemned: Set<String> = []
    /// Whether volumes may expire.
    var mayExpire = false
    var violations: [String] = []
  }

  struct Data: Hashable, Sendable {
    var identity: KeptIdentity
    var claim: ObjectKey
  }

  var violations: [String] { state.withLock { $0.violations } }
  /// The identity and the claim whose data is on a PV; nil for none.
  func data(on volume: String) -> Data? { state.withLock { $0.data[volume] } }
  /// Records that the PV itself has a deletion request.
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

  /// No claim gets another identity's data, and no claim loses its volume.
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
    // From now on the volume is this claim's, although it is not bound yet.
    if isSame || isGiven { self.data[name] = KeptTruth.Data(identity: identity, claim: key) }
    if !isSame, !isGiven { violations.append("\(name) of \(data) was given to \(key) of \(identity)") }
  }

  /// No volume is created for a claim for which another is kept.
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

  /// Whether the volume was without a claim when the other claim was created. If it loses its claim later, the
  /// provisioner may see that too late.
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
