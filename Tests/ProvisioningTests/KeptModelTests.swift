import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@testable import Provisioning

/// Kept volumes while requests, answers and watches between provisioner and API server fail, by seed.
@Suite("Kept volumes by seed", .timeLimit(.minutes(10)))
struct KeptModelTests {
  @Test(
    "no stale or partial view gives data to another identity, creates a volume beside a kept one, deletes one without a request, or leaves one without a claim's UID; in the end all claims have their data",
    arguments: 0..<12)
  func disturbed(seed: UInt64) async throws {
    var faults = Faults(seed: seed)
    (faults.lostBefore, faults.lostAfter, faults.late) = (15, 15, 15)
    (faults.unreachable, faults.tooMany, faults.failing, faults.brokenWatch) = (25, 25, 25, 20)
    let world = try await KeptWorld(faults: faults, binding: seed % 2 == 0 ? "Immediate" : "WaitForFirstConsumer")
    var dice = Dice(seed: seed)
    let tenants = Tenants()
    world.startProvisioner()
    for _ in 0..<300 {
      switch dice.next() % 16 {
      case 0...5: try await tenants.act(in: world, &dice)
      case 6...10:
        world.server.disturbWatches(
          &dice, of: [Namespace.resource, PersistentVolumeClaim.resource, PersistentVolume.resource])
      case 11:
        if dice.once(in: 4) {
          await world.stopProvisioner()
          world.startProvisioner()
        }
      default: try await Task.sleep(for: .milliseconds(2))
      }
      if !dice.once(in: 4) { world.actAsKubernetes() }
      try #require(world.truth.violations == [], "seed \(seed)")
    }
    world.server.endDisturbances()
    let isSettled = await world.becomes { tenants.isSettled(in: world) }
    #expect(isSettled, "seed \(seed): \(world.description)")
    await world.stopProvisioner()
    #expect(world.truth.violations == [], "seed \(seed)")
  }

  /// The users: a few namespaces whose owners change, with a few claims each.
  private struct Tenants {
    private let names = ["x", "y", "z"]
    private let owners = [nil, nil, "alice", "bob"]

    func act(in world: KeptWorld, _ dice: inout Dice) async throws {
      let name = dice.pick(names)
      let namespace = world.server.objects(Namespace.self).first { $0.metadata.name == name }
      let claim = dice.pick(["one", "two"])
      guard let namespace else { return try await world.addNamespace(name, owner: dice.pick(owners)) }
      guard !namespace.metadata.isBeingDeleted else { return }
      switch dice.next() % 10 {
      case 0: try await world.removeNamespace(name)
      case 1:
        if dice.once(in: 4) {
          world.annotate(Namespace.resource, namespace.metadata.key, ClusterNames.deleteDataAnnotation, "true")
        }
      case 2...4:
        guard world.claim(name, claim)?.metadata.isBeingDeleted == false else { return }
        if dice.once(in: 4) {
          let key = ObjectKey(namespace: name, name: claim)
          world.annotate(PersistentVolumeClaim.resource, key, ClusterNames.deleteDataAnnotation, "true")
        }
        try await world.removeClaim(name, claim)
      default:
        guard world.claim(name, claim) == nil else { return }
        try await world.addClaim(name, claim, gibibytes: 1 + Int(dice.next() % 3))
      }
    }

    /// Whether each claim is bound, or is refused because a volume is kept under its name that it may not have.
    func isSettled(in world: KeptWorld) -> Bool {
      world.server.objects(PersistentVolumeClaim.self).allSatisfy { claim in
        guard !claim.metadata.isBeingDeleted else { return false }
        return claim.phase == "Bound" || world.isInConflict(claim)
      }
    }
  }
}

extension KeptWorld {
  /// Whether a volume is kept under the claim's name for another identity.
  func isInConflict(_ claim: PersistentVolumeClaim) -> Bool {
    let namespace = server.objects(Namespace.self).first { $0.metadata.name == claim.metadata.namespace }
    let identity = namespace.map(KnownNamespace.init)?.identity
    return volumes.compactMap(KeptVolume.init).contains { volume in
      volume.claim == claim.metadata.key && volume.phase == "Released" && volume.identity != identity
    }
  }

  var description: String {
    let claims = server.objects(PersistentVolumeClaim.self).map {
      "\($0.metadata.key) \($0.metadata.uid) \($0.phase)\($0.metadata.isBeingDeleted ? " going" : "")"
    }
    let volumes = volumes.map {
      "\($0.metadata.name) \($0.phase) \($0.reclaimPolicy) \($0.claim?.uid ?? "") \($0.metadata.annotations.dictionary)"
    }
    let messages = server.objects(Event.self).suffix(5).map { "\($0.reason): \($0.message)" }
    return (claims + volumes + messages).joined(separator: "\n")
  }
}
