import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Pools

/// A provisioner that is killed between any two writes, and one that follows it.
@Suite("Pools and crashes", .timeLimit(.minutes(10)))
struct PoolCrashTests {
  /// A pool with init jobs is filled, handed out, scaled and deleted. Every write in that is one after which the process ends.
  @Test(
    "killed after each write, the next one finishes: nothing is lost, nothing is left, nothing is bound twice",
    arguments: 1...32)
  func killed(afterWrites count: Int) async throws {
    let world = try await PoolWorld(nodes: ["a": 20])
    world.start(dyingAfter: count)
    try await world.addPool(replicas: 2, ["initJob": [:]])
    try await world.addCheckout("one")
    try await world.addCheckout("two")
    try await world.step("served") { world.isAcquired("one") && world.isAcquired("two") && world.isSettled(at: 2) }
    let volumes = Set(["one", "two"].compactMap { world.volume(of: $0)?.metadata.name })
    #expect(volumes.count == 2, "\(world.description)")
    try await world.scale(to: 1)
    try await world.remove(Checkout.resource, "one")
    try await world.step("scaled") {
      world.isSettled(at: 1) && world.checkout("one") == nil && world.volumes.count == 2
    }
    #expect(world.volume(of: "two").map { volumes.contains($0.metadata.name) } == true)
    try await world.remove(Checkout.resource, "two")
    try await world.remove(Pool.resource, "pool")
    try await world.step("gone") { world.isEmpty }
    await world.end()
  }

  @Test("killed after each write of a checkout of another product's class, the next one finishes", arguments: 1...12)
  func killedWithForeignClass(afterWrites count: Int) async throws {
    let world = try await PoolWorld()
    world.start(dyingAfter: count)
    try await world.addPool(replicas: 1, className: PoolWorld.foreign)
    try await world.addCheckout("one")
    try await world.step("served") { world.isAcquired("one") && world.isSettled(at: 1) }
    try await world.remove(Checkout.resource, "one")
    try await world.remove(Pool.resource, "pool")
    try await world.step("gone") { world.isEmpty }
    await world.end()
  }
}

extension PoolWorld {
  /// Waits until it is so, with a new provisioner when the first has been killed.
  func step(_ name: String, _ condition: () -> Bool) async throws {
    var isDone = await becomes { self.isDead || condition() }
    if isDead {
      await stop()
      start()
      isDone = await becomes(condition)
    }
    try #require(isDone, "\(name): \(description)")
  }

  /// Nothing is left of pools and checkouts.
  var isEmpty: Bool {
    server.objects(Pool.self).isEmpty && server.objects(Checkout.self).isEmpty && claims.isEmpty && volumes.isEmpty
      && jobsNow.isEmpty
  }
}
