import JSON
import KubernetesAPI
import StorageLedger
import TestSupport

/// What is true in a ``ClaimWorld``, from every change of every object; and what must never have been true.
struct ClaimTruth: Sendable {
  private(set) var volumes: [String: PersistentVolume] = [:]
  private(set) var claims: [ObjectKey: PersistentVolumeClaim] = [:]
  private(set) var nodes: [String: Node] = [:]
  /// What the scheduler is told.
  private(set) var capacities: [String: CSIStorageCapacity] = [:]
  /// In order, and each as often as it was told.
  private(set) var events: [Event] = []
  /// How often the provisioner has created each PV.
  private(set) var creations: [String: Int] = [:]
  /// Every change so far, in order.
  private(set) var history: [Change] = []
  /// What was as it must not be when the provisioner wrote something, for good.
  private(set) var violations: [String] = []

  enum Change: Sendable {
    case volume(String, PersistentVolume?)
    case claim(ObjectKey, PersistentVolumeClaim?)
    case node(String, Node?)
  }

  mutating func see(_ change: SimulatedAPIServer.AuditedChange) {
    switch change.resource {
    case PersistentVolume.resource.name: seeVolume(change)
    case PersistentVolumeClaim.resource.name:
      guard let claim = change.object(as: PersistentVolumeClaim.self) else { return }
      claims[claim.metadata.key] = change.isGone ? nil : claim
      history.append(.claim(claim.metadata.key, claims[claim.metadata.key]))
    case Node.resource.name:
      guard let node = change.object(as: Node.self) else { return }
      nodes[node.metadata.name] = change.isGone ? nil : node
      history.append(.node(node.metadata.name, nodes[node.metadata.name]))
    case CSIStorageCapacity.resource.name:
      guard let capacity = change.object(as: CSIStorageCapacity.self) else { return }
      capacities[capacity.metadata.name] = change.isGone ? nil : capacity
    case Event.resource.name: if !change.isGone, let event = change.object(as: Event.self) { events.append(event) }
    default: break
    }
  }

  private mutating func seeVolume(_ change: SimulatedAPIServer.AuditedChange) {
    guard let new = change.object(as: PersistentVolume.self) else { return }
    let name = new.metadata.name
    if change.isRequested {
      if let old = volumes[name] { judge(old, change.isGone ? nil : new) } else { creations[name, default: 0] += 1 }
    }
    volumes[name] = change.isGone ? nil : new
    history.append(.volume(name, volumes[name]))
  }

  // MARK: Rules

  /// What the provisioner has made of a PV.
  ///
  /// - Parameter new: nil if the PV went with the change.
  private mutating func judge(_ old: PersistentVolume, _ new: PersistentVolume?) {
    let wasGoing = old.metadata.isBeingDeleted
    if !wasGoing, new?.metadata.isBeingDeleted ?? true, !mayBeDeleted(old) { violations.append("deleted: \(old)") }
    if old.holdsOurFinalizer, new?.holdsOurFinalizer != true, !wasGoing || old.phase == "Bound" {
      violations.append("given up: \(old)")
    }
    guard let new else { return }
    if old.instance != nil, new.instance != old.instance { violations.append("recorded twice: \(old)") }
    if new.removableInstance != old.removableInstance, !wasGoing || !mayBeDeleted(old) {
      violations.append("agreed to the removal of: \(old)")
    }
  }

  /// Nobody has the volume, and nobody wants to keep it.
  private func mayBeDeleted(_ volume: PersistentVolume) -> Bool {
    let isClaimed = claims.values.contains {
      $0.metadata.uid == volume.claim?.uid || $0.volumeName == volume.metadata.name
    }
    return !isClaimed && volume.reclaimPolicy == "Delete" && volume.isProvisionedByUs
  }
}

extension SimulatedAPIServer.AuditedChange {
  /// The object after the change.
  fileprivate func object<Object: APIObject>(as type: Object.Type) -> Object? {
    var json = JSONReader(new.encoded)
    return try? Object(json: &json)  // the server has no other
  }
}
