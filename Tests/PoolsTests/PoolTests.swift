import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Pools

/// Pools, with the whole provisioner at an API server in memory. The first three are the original's, by their names.
@Suite("Pools", .timeLimit(.minutes(5)))
struct PoolTests {
  @Test("ScaleUpDown: three replicas settle, then two", arguments: [PoolWorld.ours, PoolWorld.foreign])
  func scaleUpDown(className: String) async throws {
    let world = try await PoolWorld.settled(replicas: 3, className: className)
    #expect(world.pool()?.status.conditions[PoolCondition.available]?.reason == "MinimumReplicasAvailable")
    try await world.scale(to: 2)
    #expect(await world.becomes { world.isSettled(at: 2) && world.volumes.count == 2 }, "\(world.description)")
    #expect(await world.becomes { world.events(.poolScaling).count >= 2 && world.jobsNow.isEmpty })
    let messages = Set(world.events(.poolScaling).map(\.message))
    #expect(messages == ["Scaling pool up to 3 replicas", "Scaling pool down to 2 replicas"])
    await world.end()
  }

  @Test("PVCReplacement: a replica whose claim is deleted is replaced")
  func replacement() async throws {
    let world = try await PoolWorld.settled(replicas: 3)
    let lost = try #require(world.replicas().first)
    try await world.remove(PersistentVolumeClaim.resource, lost.metadata.name)
    #expect(
      await world.becomes {
        world.isSettled(at: 3) && !world.replicas().contains { $0.metadata.uid == lost.metadata.uid }
      }, "\(world.description)")
    await world.end()
  }

  @Test("WithSameSelector: two pools with one selector both settle, and neither takes the other's replicas")
  func sameSelector() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool("one", replicas: 3, label: "both")
    try await world.addPool("two", replicas: 2, label: "both")
    #expect(
      await world.becomes { world.isSettled("one", at: 3) && world.isSettled("two", at: 2) }, "\(world.description)")
    await world.end()
  }

  @Test("a replica has the template's labels and annotations, a name of its pool, and a volume of its own")
  func shape() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(
      replicas: 1,
      [
        "template": [
          "metadata": ["annotations": ["note": "kept"]],
          "spec": ["volumeName": "stolen", "selector": ["matchLabels": ["a": "b"]]],
        ]
      ])
    #expect(await world.becomes { world.isSettled(at: 1) }, "\(world.description)")
    let replica = try #require(world.replicas().first)
    #expect(replica.metadata.labels == ["pool": "pool"] && replica.metadata.annotations["note"] == "kept")
    #expect(replica.metadata.name.hasPrefix("pool-") && replica.metadata.name.count == 5 + 32)
    #expect(replica.volumeName == replica.volumeToMake && !replica.hasSelector)
    #expect(replica.metadata.annotations[PoolNames.phaseAnnotation] == "Available")
    await world.end()
  }

  @Test("replicas are spread over the nodes that have space, and kept to the placement's nodes")
  func placement() async throws {
    let world = try await PoolWorld(nodes: ["a": 100, "b": 2, "c": 100])
    try await world.addNode("ssd", gibibytes: 10, labels: ["disk": "ssd"])
    world.start()
    try await world.addPool("spread", replicas: 8)
    try await world.addPool("kept", replicas: 2, ["placement": ["nodeSelector": ["disk": "ssd"]]])
    #expect(
      await world.becomes { world.isSettled("spread", at: 8) && world.isSettled("kept", at: 2) }, "\(world.description)"
    )
    let nodes = Dictionary(grouping: world.replicas(of: "spread").compactMap(\.selectedNode)) { $0 }.mapValues(\.count)
    #expect(nodes == ["a": 2, "b": 2, "c": 2, "ssd": 2])
    #expect(world.replicas(of: "kept").allSatisfy { $0.selectedNode == "ssd" })
    await world.end()
  }

  @Test("a pool of 5,000 for a node with space for 20 has 20 and waits, and goes on when there is space")
  func shortOfSpace() async throws {
    let world = try await PoolWorld(nodes: ["a": 20])
    world.start()
    try await world.addPool(replicas: 5000)
    #expect(await world.becomes { world.pool()?.status.availableReplicas == 20 }, "\(world.description)")
    #expect(await world.becomes { world.events(.insufficientStorage).contains { $0.involvedObject.kind == "Pool" } })
    #expect(world.replicas().count == 20)
    #expect(world.pool()?.status.conditions[PoolCondition.settlement]?.status == "Unknown")
    try await world.setSpace(of: "a", gibibytes: 23)
    #expect(await world.becomes { world.pool()?.status.availableReplicas == 23 })
    // Space that was not there was asked for at most once by each look at a time.
    #expect(world.replicas().count == 23)
    await world.end()
  }

  @Test("a pool that is deleted takes its replicas along, and leaves what a checkout has")
  func deletion() async throws {
    let world = try await PoolWorld.settled(replicas: 3, className: PoolWorld.foreign)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 3) }, "\(world.description)")
    try await world.remove(Pool.resource, "pool")
    #expect(
      await world.becomes { world.pool() == nil && world.volumes.count == 1 && world.jobsNow.isEmpty },
      "\(world.description)")
    #expect(world.volume(of: "mine") != nil && world.claims.count == 1)
    await world.end()
  }

  @Test("an uncontrolled claim that a pool selects is adopted; one of somebody else's is not")
  func adoption() async throws {
    let world = try await PoolWorld()
    world.start()
    let owner: JSONValue = ["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "uid-of-a-pod", "controller": true]
    world.server.collectsGarbage(false)
    try await world.addClaim("owned", labels: ["pool": "pool"], owner: owner)
    try await world.addClaim("free", labels: ["pool": "pool"], className: PoolWorld.ours)
    try await world.addPool(replicas: 2)
    #expect(await world.becomes { world.isSettled(at: 2) }, "\(world.description)")
    #expect(world.claim("free")?.metadata.controller?.name == "pool")
    #expect(world.claim("owned")?.metadata.controller?.kind == "Pod" && world.replicas().count == 2)
    await world.end()
  }

  @Test("a pool that asks for what cannot be says so, changes nothing, and goes on when it is corrected")
  func invalid() async throws {
    let world = try await PoolWorld.settled(replicas: 1)
    let key = ObjectKey(namespace: "x", name: "pool")
    _ = try await world.others.patch(
      Pool.self, key,
      .merge(["spec": ["replicas": 3, "initJob": ["template": ["spec": ["activeDeadlineSeconds": 301]]]]]))
    #expect(
      await world.becomes {
        world.pool()?.status.conditions[PoolCondition.settlement]?.reason == PoolCondition.invalid
      }, "\(world.description)")
    #expect(world.replicas().count == 1 && world.pool()?.status.availableReplicas == 1)
    #expect(await world.becomes { world.events(.invalidPool).count == 1 })
    _ = try await world.others.patch(
      Pool.self, key, .merge(["spec": ["initJob": ["template": ["spec": ["activeDeadlineSeconds": 300]]]]]))
    #expect(await world.becomes { world.isSettled(at: 3) }, "\(world.description)")
    await world.end()
  }

  @Test("a pool of none settles, and says that none are asked for")
  func none() async throws {
    let world = try await PoolWorld.settled(replicas: 0)
    #expect(world.pool()?.status.conditions[PoolCondition.available]?.reason == PoolCondition.noReplicasRequested)
    #expect(world.pool()?.status.conditions[PoolCondition.available]?.status == "False")
    await world.end()
  }
}
