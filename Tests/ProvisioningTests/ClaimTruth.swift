import JSON
import KubernetesAPI
import StorageLedger
import TestSupport

/// The true state of a ``ClaimWorld``, from every change of every object, and the violations of what must always hold.
struct ClaimTruth: Sendable {
  private(set) var volumes: [String: PersistentVolume] = [:]
  private(set) var claims: [ObjectKey: PersistentVolumeClaim] = [:]
  private(set) var nodes: [String: Node] = [:]
  /// The CSIStorageCapacity objects.
  private(set) var capacities: [String: CSIStorageCapacity] = [:]
  /// The Events in order, a repeated one each time.
  private(set) var events: [Event] = []
  /// How often the provisioner has created each PV.
  private(set) var creations: [String: Int] = [:]
  /// Every change so far, in order.
  private(set) var history: [Change] = []
  /// The violations that were found at the provisioner's writes. They are never removed.
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
    case Event.resource.name: if !change.isGone { seeEvent(change.new) }
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

  /// Records an Event. Reads only the fields that tests use, because some tests have thousands of Events.
  private mutating func seeEvent(_ object: JSONValue) {
    var event = Event()
    event.involvedObject.name = object["involvedObject", "name"]?.string ?? ""
    event.reason = object["reason"]?.string ?? ""
    event.message = object["message"]?.string ?? ""
    event.type = object["type"]?.string ?? ""
    events.append(event)
  }

  // MARK: Rules

  /// Checks a change of a PV by the provisioner.
  ///
  /// - Parameter new: nil if the change has removed the PV.
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

  /// Whether no claim has the volume and its policy does not keep it.
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
