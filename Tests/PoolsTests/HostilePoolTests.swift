import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Pools

/// Users who want what is not theirs, and those who change what they should not.
@Suite("Hostile users of pools", .timeLimit(.minutes(5)))
struct HostilePoolTests {
  @Test("another namespace gets nothing from a pool that does not name it, is told so, and gets it when it is named")
  func forbidden() async throws {
    let world = try await PoolWorld.settled(replicas: 1)
    try await world.addCheckout("mine", in: "y", poolNamespace: "x")
    #expect(await world.becomes { world.acquired("mine", in: "y")?.reason == CheckoutCondition.forbidden })
    #expect(world.acquired("mine", in: "y")?.status == "False" && world.claim("mine", in: "y") == nil)
    #expect(await world.becomes { world.events(.forbidden).count == 1 })
    #expect(world.isSettled(at: 1))
    _ = try await world.others.patch(
      Pool.self, ObjectKey(namespace: "x", name: "pool"), .merge(["spec": ["allowedNamespaces": ["y"]]]))
    #expect(await world.becomes { world.isAcquired("mine", in: "y") }, "\(world.description)")
    await world.end()
  }

  @Test(
    "where the API server asks for the right to use a pool, its answer counts; not where the policy leaves anything out",
    arguments: [
      ("whole", [:], true),
      ("filled in", ["matchResources": ["namespaceSelector": [:], "matchPolicy": "Equivalent"]], true),
      ("warns", ["validationActions": ["Warn"]], false), ("another's", ["policyName": "other"], false),
      ("partial", ["matchResources": ["namespaceSelector": ["matchLabels": ["a": "b"]]]], false),
    ] as [(String, JSONValue, Bool)])
  func admission(name: String, change: JSONValue, isAllowed: Bool) async throws {
    let world = try await PoolWorld()
    if isAllowed { world.truth.setCheckedAtAdmission() }
    try await world.create(AdmissionPolicy.resource, PoolNames.policy, ["spec": ["failurePolicy": "Fail"]])
    let spec: JSONValue = ["policyName": .string(PoolNames.policy), "validationActions": ["Deny"]]
    try await world.create(AdmissionPolicyBinding.resource, PoolNames.policy, ["spec": spec.merged(with: change)])
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine", in: "y", poolNamespace: "x")
    #expect(
      await world.becomes {
        isAllowed
          ? world.isAcquired("mine", in: "y") : world.acquired("mine", in: "y")?.reason == CheckoutCondition.forbidden
      }, "\(name): \(world.description)")
    await world.end()
  }

  @Test("a policy that is applied later is noticed within a minute")
  func laterPolicy() async throws {
    let world = try await PoolWorld()
    world.truth.setCheckedAtAdmission()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine", in: "y", poolNamespace: "x")
    #expect(await world.becomes { world.acquired("mine", in: "y")?.reason == CheckoutCondition.forbidden })
    try await world.create(AdmissionPolicy.resource, PoolNames.policy, ["spec": ["failurePolicy": "Fail"]])
    let spec: JSONValue = ["policyName": .string(PoolNames.policy), "validationActions": ["Deny"]]
    try await world.create(AdmissionPolicyBinding.resource, PoolNames.policy, ["spec": spec])
    #expect(await world.becomes { world.isAcquired("mine", in: "y") }, "\(world.description)")
    await world.end()
  }

  @Test("a claim that merely names a replica's PV takes nothing: the replica counts, and a checkout gets it")
  func namedOnly() async throws {
    let world = try await PoolWorld.settled(replicas: 1)
    let volume = try #require(world.replicas().first?.volumeName)
    try await world.addClaim("squatter", volumeName: volume, className: PoolWorld.ours)
    try await world.addClaim("squatter", in: "y", volumeName: volume, className: PoolWorld.ours)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 1) }, "\(world.description)")
    #expect(world.volume(of: "mine")?.metadata.name == volume)
    #expect(world.claim("squatter")?.phase != "Bound" && world.claim("squatter", in: "y")?.phase != "Bound")
    await world.end()
  }

  @Test(
    "a claim that pretends to be a checkout's gets no volume of a pool that the checkout may not use, or does not name")
  func forgedOwner() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool("rich", replicas: 1)
    try await world.addPool("own", in: "y", replicas: 0)
    #expect(await world.becomes { world.isSettled("rich", at: 1) && world.isSettled("own", in: "y", at: 0) })
    let volume = try #require(world.replicas(of: "rich").first?.volumeName)
    // One checkout of the own pool, one of the pool that may not be used.
    for (name, pool, namespace) in [("a", "own", "y"), ("b", "rich", "x")] {
      try await world.addCheckout(name, in: "y", pool: pool, poolNamespace: namespace)
      let uid = try #require(world.checkout(name, in: "y")?.metadata.uid)
      let owner: JSONValue = [
        "apiVersion": .string(Checkout.resource.apiVersion), "kind": "Checkout", "name": .string(name),
        "uid": .string(uid), "controller": true,
      ]
      try? await world.addClaim(name, in: "y", volumeName: volume, className: PoolWorld.ours, owner: owner)
    }
    #expect(
      await world.becomes {
        world.acquired("a", in: "y")?.reason == CheckoutCondition.notAvailable
          && world.acquired("b", in: "y")?.reason == CheckoutCondition.forbidden
      }, "\(world.description)")
    #expect(world.isSettled("rich", at: 1) && world.claim("a", in: "y") == nil)
    await world.end()
  }

  @Test("a selector that is changed where the server allows it changes nothing about the replicas that there are")
  func changedSelector() async throws {
    let world = try await PoolWorld.settled(replicas: 2)
    let before = Set(world.replicas().map(\.metadata.uid))
    _ = try await world.others.patch(
      Pool.self, ObjectKey(namespace: "x", name: "pool"),
      .merge([
        "spec": [
          "selector": ["matchLabels": ["pool": "other"]], "template": ["metadata": ["labels": ["pool": "other"]]],
        ]
      ]))
    try await world.scale(to: 3)
    #expect(await world.becomes { world.isSettled(at: 3) }, "\(world.description)")
    #expect(before.isSubset(of: world.replicas().map(\.metadata.uid)))
    await world.end()
  }

  @Test("a replica whose PV somebody gives to another claim is replaced, and its data is handed to no checkout")
  func stolen() async throws {
    let world = try await PoolWorld.settled(replicas: 1, className: PoolWorld.foreign)
    let replica = try #require(world.replicas().first)
    await world.stop()
    try await world.addClaim("thief", className: PoolWorld.foreign)
    let thief = try #require(world.claim("thief"))
    world.server.edit(PersistentVolume.resource, ObjectKey(name: replica.volumeName)) {
      $0[["spec", "claimRef"]] = thief.reference.json
    }
    #expect(world.truth.violations.count == 1, "an administrator did that")
    world.start()
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 1) }, "\(world.description)")
    #expect(world.volume(of: "mine")?.metadata.name != replica.volumeName)
    await world.stop()
    #expect(world.truth.violations.count == 1)
  }

  @Test("a volume that vanishes while it is handed over is replaced by another")
  func vanishes() async throws {
    let world = try await PoolWorld.settled(replicas: 1, className: PoolWorld.foreign)
    let replica = try #require(world.replicas().first)
    await world.stop()
    // As a provisioner that was killed after it had created the claim would leave it.
    try await world.addCheckout("mine")
    let checkout = try #require(world.checkout("mine"))
    let owner: JSONValue = [
      "apiVersion": .string(Checkout.resource.apiVersion), "kind": "Checkout", "name": "mine",
      "uid": .string(checkout.metadata.uid), "controller": true,
    ]
    try await world.addClaim("mine", volumeName: replica.volumeName, className: PoolWorld.foreign, owner: owner)
    let first = try #require(world.claim("mine"))
    try await world.remove(PersistentVolumeClaim.resource, replica.metadata.name)
    #expect(await world.becomes { !world.volumes.contains { $0.metadata.name == replica.volumeName } })
    world.start()
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    #expect(world.claim("mine")?.metadata.uid != first.metadata.uid)
    #expect(await world.becomes { !world.events(.volumeAttachment).isEmpty })
    await world.end()
  }
}
