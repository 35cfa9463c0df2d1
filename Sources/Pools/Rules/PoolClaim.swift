package import KubernetesAPI
package import LinuxSystem
package import StorageModel

/// What is kept of a claim that concerns pools: one of a pool's, one of a checkout's, or one that a pool may adopt.
///
/// On the heap, since most claims of a cluster are none of these.
package final class PoolClaim: Sendable {
  package let key: ObjectKey
  package let uid: String
  package let resourceVersion: String
  package let created: Timestamp?
  package let controller: Controller
  /// Only of a claim without a controller.
  package let labels: StringMap
  /// Only of a checkout's claim.
  package let accessModes: [String]
  package let isGoing: Bool
  /// `Pending`, `Bound` or `Lost`.
  package let phase: String
  /// The PV that it names; empty for none.
  package let volumeName: String
  package let className: String?
  /// The node that its volume is to be on.
  package let selectedNode: String?
  package let size: ByteCount
  package let replicaPhase: ReplicaPhase?
  /// How many init jobs in a row have failed before it, and one.
  package let attempt: Int
  /// Of a checkout's claim: for which generation of the checkout it was created; 0 where it does not say.
  package let generation: Int64

  package enum Controller: Hashable, Sendable {
    /// Nobody manages it.
    case none
    case pool(name: String, uid: String)
    case checkout(name: String, uid: String)
  }

  /// Nil for a claim that concerns no pool.
  package init?(_ claim: PersistentVolumeClaim) {
    guard let controller = Controller(claim.metadata) else { return nil }
    self.controller = controller
    labels = controller == .none ? claim.metadata.labels : [:]
    guard controller != .none || !labels.isEmpty else { return nil }
    if case .checkout = controller { accessModes = claim.accessModes } else { accessModes = [] }
    let annotations = claim.metadata.annotations
    key = claim.metadata.key
    uid = claim.metadata.uid
    resourceVersion = claim.metadata.resourceVersion
    created = claim.metadata.creationTimestamp
    isGoing = claim.metadata.isBeingDeleted
    phase = claim.phase
    volumeName = claim.volumeName
    className = claim.className
    selectedNode = claim.selectedNode
    size = claim.request?.byteCount ?? .zero
    replicaPhase = annotations[PoolNames.phaseAnnotation].flatMap(ReplicaPhase.init)
    attempt = annotations[PoolNames.attemptAnnotation].flatMap { Int($0) }.map { max(1, $0) } ?? 1
    generation = annotations[PoolNames.generationAnnotation].flatMap { Int64($0) } ?? 0
  }
}

extension PoolClaim.Controller {
  /// Nil for something else.
  init?(_ metadata: ObjectMeta) {
    guard let owner = metadata.ownerReferences.first(where: \.isController) else {
      self = .none
      return
    }
    guard owner.apiVersion.split(separator: "/").first.map(String.init) == PoolNames.group else { return nil }
    switch owner.kind {
    case Pool.resource.kind: self = .pool(name: owner.name, uid: owner.uid)
    case Checkout.resource.kind: self = .checkout(name: owner.name, uid: owner.uid)
    default: return nil
    }
  }
}

extension PoolClaim {
  package var isBound: Bool { phase == "Bound" && !volumeName.isEmpty }

  package var isLost: Bool { phase == "Lost" }

  /// The pool that manages it.
  package var poolKey: ObjectKey? {
    guard case .pool(let name, _) = controller else { return nil }
    return ObjectKey(namespace: key.namespace, name: name)
  }

  package var poolUID: String? {
    guard case .pool(_, let uid) = controller else { return nil }
    return uid
  }

  /// The checkout that manages it.
  package var checkoutKey: ObjectKey? {
    guard case .checkout(let name, _) = controller else { return nil }
    return ObjectKey(namespace: key.namespace, name: name)
  }

  package var checkoutUID: String? {
    guard case .checkout(_, let uid) = controller else { return nil }
    return uid
  }

  /// A replica that a checkout may have, as far as the claim says.
  package var isReady: Bool { isBound && !isGoing && replicaPhase == .available }

  /// The name of the PV that our provisioner makes for it.
  package var volumeToMake: String { "pvc-\(uid)" }

  /// Enough of the claim to write to exactly this one.
  package var handle: PersistentVolumeClaim {
    PersistentVolumeClaim(
      metadata: ObjectMeta(
        name: key.name, namespace: key.namespace, uid: uid, resourceVersion: resourceVersion))
  }

  /// Which of two is handed out first: the older.
  package static func isOlder(_ left: PoolClaim, _ right: PoolClaim) -> Bool {
    let (one, other) = (left.created, right.created)
    if let one, let other, one != other { return one < other }
    return left.key.name < right.key.name
  }
}
