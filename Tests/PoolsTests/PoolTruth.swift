import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

@testable import Pools

/// What is true in a ``PoolWorld``, from every change of every object; and what must never have been true.
final class PoolTruth: Sendable {
  private let state = Mutex(State())

  fileprivate struct State {
    var pools: [String: Pool] = [:]
    var checkouts: [String: Checkout] = [:]
    /// Claims that are there, by UID.
    var claims: [String: PersistentVolumeClaim] = [:]
    /// Those that are there or were.
    var knownClaims: Set<String> = []
    var volumes: [String: PersistentVolume] = [:]
    /// Claims of pools that were filled by a job that ended well; and those whose job failed.
    var filled: Set<String> = []
    var spoilt: Set<String> = []
    /// Claims of pools that had a job.
    var hadJob: Set<String> = []
    /// The most replicas that a pool was ever asked for.
    var wishes: [String: Int] = [:]
    /// The API server asks for the right to use a pool.
    var isCheckedAtAdmission = false
    var violations: [String] = []
  }

  var violations: [String] { state.withLock { $0.violations } }

  func setCheckedAtAdmission() { state.withLock { $0.isCheckedAtAdmission = true } }

  func see(_ change: SimulatedAPIServer.AuditedChange) {
    state.withLock { state in
      switch change.resource {
      case "pools": state.seePool(change)
      case "checkouts": state.seeCheckout(change)
      case "jobs": state.seeJob(change)
      case "persistentvolumeclaims": state.seeClaim(change)
      case "persistentvolumes": state.seeVolume(change)
      default: break
      }
    }
  }
}

extension PoolTruth.State {
  fileprivate mutating func seePool(_ change: SimulatedAPIServer.AuditedChange) {
    guard let pool: Pool = read(change.new) else { return }
    pools[pool.metadata.uid] = change.isGone ? nil : pool
    wishes[pool.metadata.uid] = max(wishes[pool.metadata.uid] ?? 0, pool.spec.replicas)
    guard change.isGone else { return }
    for claim in claims.values where claim.metadata.controller?.uid == pool.metadata.uid {
      violations.append("pool \(pool.metadata.name) went before its replica \(claim.metadata.name)")
    }
  }

  fileprivate mutating func seeCheckout(_ change: SimulatedAPIServer.AuditedChange) {
    guard let checkout: Checkout = read(change.new) else { return }
    checkouts[checkout.metadata.uid] = change.isGone ? nil : checkout
    guard checkout.isAcquired, !change.isGone, let name = checkout.status.volumeClaimRef?.name else { return }
    // At the moment when it is said first.
    if let old = change.old, let former: Checkout = read(old), former.isAcquired { return }
    let claim = claims.values.first {
      $0.metadata.key == ObjectKey(namespace: checkout.metadata.namespace, name: name)
    }
    if claim?.metadata.controller?.uid != checkout.metadata.uid, claim != nil {
      violations.append("checkout \(checkout.metadata.name) says that it has the claim \(name), which is another's")
    }
  }

  fileprivate mutating func seeJob(_ change: SimulatedAPIServer.AuditedChange) {
    guard let job: InitJob = read(change.new), let owner = job.metadata.ownerReferences.first?.uid else { return }
    if change.old == nil {
      // On a claim that is on its way out, or that has lost its volume, a job that comes late does nothing.
      if hadJob.contains(owner), let claim = claims[owner], !claim.metadata.isBeingDeleted, !isTaken(claim) {
        violations.append("replica \(job.metadata.name) has a second job")
      }
      hadJob.insert(owner)
      let deadline = change.new["spec", "activeDeadlineSeconds"]?.number ?? .max
      if deadline > 300 { violations.append("job \(job.metadata.name) may run for \(deadline) s") }
    }
    let known = KnownJob(job)
    if known.isComplete { filled.insert(owner) }
    if known.failure != nil { spoilt.insert(owner) }
  }

  fileprivate mutating func seeClaim(_ change: SimulatedAPIServer.AuditedChange) {
    guard let claim: PersistentVolumeClaim = read(change.new) else { return }
    claims[claim.metadata.uid] = change.isGone ? nil : claim
    knownClaims.insert(claim.metadata.uid)
    guard let pool = PoolClaim(claim)?.poolUID, change.old == nil else { return }
    let present = claims.values.count {
      PoolClaim($0)?.poolUID == pool && !$0.metadata.isBeingDeleted && $0.phase != "Lost" && !isTaken($0)
    }
    // What a late request or a former leader has under way comes on top.
    if let wish = wishes[pool], present > wish + 2 * PoolKeeper.batch {
      violations.append("a pool of \(wish) has \(present) replicas")
    }
  }

  private func isTaken(_ claim: PersistentVolumeClaim) -> Bool {
    !claim.volumeName.isEmpty && volumes[claim.volumeName]?.claim?.uid != claim.metadata.uid
  }

  fileprivate mutating func seeVolume(_ change: SimulatedAPIServer.AuditedChange) {
    guard let new: PersistentVolume = read(change.new) else { return }
    let name = new.metadata.name
    let old = volumes[name]
    volumes[name] = change.isGone ? nil : new
    checkStays(new, change.isGone, old)
    guard !change.isGone, let old, old.claim?.uid != new.claim?.uid else { return }
    checkHandOver(old, new)
  }

  /// A volume that a checkout's claim has is not deleted while the claim is there.
  private mutating func checkStays(_ volume: PersistentVolume, _ isGone: Bool, _ old: PersistentVolume?) {
    guard isGone || volume.metadata.isBeingDeleted, old?.metadata.isBeingDeleted != true,
      let uid = volume.claim?.uid, let claim = claims[uid], PoolClaim(claim)?.checkoutUID != nil,
      !claim.metadata.isBeingDeleted
    else { return }
    violations.append("\(volume.metadata.name) goes, and claim \(claim.metadata.name) has it")
  }

  /// A PV changes hands only from a ready replica to the claim of a checkout that may use the replica's pool.
  private mutating func checkHandOver(_ old: PersistentVolume, _ new: PersistentVolume) {
    let name = new.metadata.name
    guard let uid = new.claim?.uid, !uid.isEmpty else {
      return violations.append("\(name) names no claim with a UID: anybody could have it")
    }
    guard let former = old.claim?.uid else { return }
    if let holder = claims[former], PoolClaim(holder)?.checkoutUID != nil {
      violations.append("\(name) was taken from claim \(holder.metadata.name)")
    }
    guard let claim = claims[uid] else {
      // One that somebody has deleted a moment before: the PV goes as its policy says, and nobody else gets it.
      if !knownClaims.contains(uid) { violations.append("\(name) was given to a claim that never was") }
      return
    }
    guard let checkout = PoolClaim(claim)?.checkoutUID.flatMap({ checkouts[$0] }) else {
      return violations.append("\(name) was given to claim \(claim.metadata.name), which is no checkout's")
    }
    guard let replica = claims[former], let pool = PoolClaim(replica)?.poolUID.flatMap({ pools[$0] }) else { return }
    if pool.metadata.key != checkout.poolKey {
      violations.append("\(name) of pool \(pool.metadata.key) was given to a checkout of pool \(checkout.poolKey)")
    }
    if !PoolAccess(isCheckedAtAdmission: isCheckedAtAdmission).allows(checkout, pool) {
      violations.append("\(name) was given to \(checkout.metadata.key), which may not use pool \(pool.metadata.key)")
    }
    if spoilt.contains(former) { violations.append("\(name) was handed out although its init job failed") }
    if pool.spec.initJob != nil, !filled.contains(former) {
      violations.append("\(name) was handed out before its init job had ended")
    }
    if old.instance == nil, old.flexVolume != nil, old.labelledNode != nil {
      violations.append("\(name) was handed out before its volume existed")
    }
  }
}

private func read<Object: APIObject>(_ value: JSONValue) -> Object? {
  var json = JSONReader(value.encoded)
  return try? Object(json: &json)
}
