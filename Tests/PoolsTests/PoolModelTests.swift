import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Pools

/// Pools under whatever can go wrong between the provisioner and the API server, by seed. ``PoolTruth`` looks at each change of
/// each object.
@Suite("Pools by seed", .timeLimit(.minutes(10)))
struct PoolModelTests {
  @Test(
    "no view, however stale or lossy, hands a volume to two claims, or one that is not filled, or lets one go that a checkout has; in the end all checkouts are served, and nothing of a pool is left when it goes",
    arguments: 0..<8)
  func disturbed(seed: UInt64) async throws {
    var faults = Faults(seed: seed)
    (faults.lostBefore, faults.lostAfter, faults.late) = (15, 15, 15)
    (faults.unreachable, faults.tooMany, faults.failing, faults.brokenWatch) = (25, 25, 25, 20)
    // Not faster, since a late request must not be later than a server can make it (``SimulatedAPIServer/requestLimit``).
    let world = try await PoolWorld(faults: faults, time: FastClock(factor: 100), nodes: ["a": 6, "b": 6])
    var dice = Dice(seed: seed)
    let users = PoolUsers()
    world.setJobs { key in Self.end(of: key, seed) }
    world.start()
    for _ in 0..<250 {
      switch dice.next() % 16 {
      case 0...5: try await users.act(in: world, &dice)
      case 6...10:
        world.server.disturbWatches(
          &dice,
          of: [
            Pool.resource, Checkout.resource, InitJob.resource, PersistentVolumeClaim.resource,
            PersistentVolume.resource,
          ])
      case 11:
        if dice.once(in: 4) {
          await world.stop()
          world.start()
        }
      default: try await Task.sleep(for: .milliseconds(2))
      }
      if !dice.once(in: 4) { world.actAsKubernetes() }
      try #require(world.truth.violations == [], "seed \(seed)")
    }
    world.server.endDisturbances()
    world.setJobs { _ in .completes }
    try await users.settle(in: world)
    let isSettled = await world.becomes { users.isSettled(in: world) }
    #expect(isSettled, "seed \(seed): \(world.description)")
    try await users.leave(world)
    let isEmpty = await world.becomes { world.isEmpty }
    #expect(isEmpty, "seed \(seed): \(world.description)")
    await world.stop()
    #expect(world.truth.violations == [], "seed \(seed)")
  }

  /// Some jobs fail, and some take their time.
  private static func end(of key: ObjectKey, _ seed: UInt64) -> KubernetesControllers.JobEnd {
    switch (UInt64(ClusterNames.digest(key.name).suffix(4), radix: 16) ?? 0) &+ seed {
    case let word where word % 8 == 0: .fails("BackoffLimitExceeded")
    case let word where word % 8 == 1: .runs
    default: .completes
    }
  }
}

/// Who makes pools and checkouts, changes them, and deletes what is not his.
private struct PoolUsers {
  private let pools = ["filled", "plain", "foreign"]
  private let checkouts = ["one", "two", "three", "four"]

  func act(in world: PoolWorld, _ dice: inout Dice) async throws {
    switch dice.next() % 12 {
    case 0...2: try await actOnPool(dice.pick(pools), world, &dice)
    case 3: try await deleteAClaim(in: world, &dice)
    default: try await actOnCheckout(dice.pick(checkouts), world, &dice)
    }
  }

  private func actOnPool(_ name: String, _ world: PoolWorld, _ dice: inout Dice) async throws {
    guard let pool = world.pool(name) else { return try await addPool(name, Int(dice.next() % 4), world) }
    guard !pool.metadata.isBeingDeleted else { return }
    if dice.once(in: 8) {
      try await world.remove(Pool.resource, name)
    } else {
      try await world.scale(name, to: Int(dice.next() % 4))
    }
  }

  private func addPool(_ name: String, _ replicas: Int, _ world: PoolWorld) async throws {
    let className = name == "foreign" ? PoolWorld.foreign : PoolWorld.ours
    let initJob: JSONValue = name == "plain" ? [:] : ["initJob": [:]]
    try await world.addPool(
      name, replicas: replicas, className: className, initJob.merged(with: ["allowedNamespaces": ["y"]]))
  }

  private func actOnCheckout(_ name: String, _ world: PoolWorld, _ dice: inout Dice) async throws {
    let namespace = dice.pick(["x", "y"])
    guard let checkout = world.checkout(name, in: namespace) else {
      let claimName: JSONValue = dice.once(in: 4) ? ["claimName": "shared"] : [:]
      return try await world.addCheckout(name, in: namespace, pool: dice.pick(pools), poolNamespace: "x", claimName)
    }
    guard !checkout.metadata.isBeingDeleted else { return }
    switch dice.next() % 6 {
    case 0, 1: try await world.remove(Checkout.resource, name, in: namespace)
    case 2:
      _ = try await world.others.patch(
        Checkout.self, checkout.metadata.key, .merge(["spec": ["accessModes": ["ReadOnlyMany"]]]))
    default: break
    }
  }

  private func deleteAClaim(in world: PoolWorld, _ dice: inout Dice) async throws {
    guard let claim = world.claims.isEmpty ? nil : dice.pick(world.claims), !claim.metadata.isBeingDeleted else {
      return
    }
    try await world.remove(PersistentVolumeClaim.resource, claim.metadata.name, in: claim.metadata.namespace)
  }

  // MARK: The end

  /// All pools that checkouts name are there, and no two checkouts ask for one claim.
  func settle(in world: PoolWorld) async throws {
    for checkout in world.server.objects(Checkout.self) where checkout.spec.claimName == "shared" {
      guard !checkout.metadata.isBeingDeleted else { continue }
      try await world.remove(Checkout.resource, checkout.metadata.name, in: checkout.metadata.namespace)
    }
    _ = await world.becomes { !world.server.objects(Pool.self).contains { $0.metadata.isBeingDeleted } }
    for name in pools {
      if world.pool(name) == nil { try await addPool(name, 1, world) } else { try await world.scale(name, to: 1) }
    }
  }

  func isSettled(in world: PoolWorld) -> Bool {
    pools.allSatisfy { world.isSettled($0, at: 1) }
      && world.server.objects(Checkout.self).allSatisfy { checkout in
        !checkout.metadata.isBeingDeleted && checkout.isAcquired
          && world.volume(of: checkout.claimKey.name, in: checkout.metadata.namespace) != nil
      }
  }

  func leave(_ world: PoolWorld) async throws {
    for checkout in world.server.objects(Checkout.self) {
      try await world.remove(Checkout.resource, checkout.metadata.name, in: checkout.metadata.namespace)
    }
    for name in pools { try await world.remove(Pool.resource, name) }
  }
}
