import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Pools

/// Checkouts, with the whole provisioner at an API server in memory. The first ones are the original's, by their names.
@Suite("Checkouts", .timeLimit(.minutes(5)))
struct CheckoutTests {
  @Test(
    "Checkout: the checkout has the pool's own PV, and the pool is filled again",
    arguments: [PoolWorld.ours, PoolWorld.foreign])
  func checkout(className: String) async throws {
    let world = try await PoolWorld.settled(replicas: 3, className: className)
    let before = Set(world.volumes.map(\.metadata.uid))
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 3) }, "\(world.description)")
    let volume = try #require(world.volume(of: "mine"))
    #expect(before.contains(volume.metadata.uid))
    #expect(world.checkout("mine")?.status.volumeName == volume.metadata.name)
    #expect(world.checkout("mine")?.status.volumeClaimRef?.name == "mine")
    #expect(volume.reclaimPolicy == "Delete" && world.claim("mine")?.storageClassName == className)
    #expect(await world.becomes { world.replicas().count == 3 && world.volumes.count == 4 })
    await world.end()
  }

  @Test("AcrossNamespaces: a checkout of another namespace is served where the pool allows it")
  func acrossNamespaces() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1, ["allowedNamespaces": ["y"]])
    try await world.addCheckout("mine", in: "y", poolNamespace: "x")
    #expect(await world.becomes { world.isAcquired("mine", in: "y") }, "\(world.description)")
    #expect(world.volume(of: "mine", in: "y") != nil)
    await world.end()
  }

  @Test("PoolAvailability: five checkouts of a pool of three all get a volume, each its own")
  func poolAvailability() async throws {
    let world = try await PoolWorld.settled(replicas: 3)
    let names = (0..<5).map { "c\($0)" }
    for name in names { try await world.addCheckout(name) }
    #expect(await world.becomes { names.allSatisfy { world.isAcquired($0) } }, "\(world.description)")
    #expect(Set(names.compactMap { world.volume(of: $0)?.metadata.name }).count == 5)
    await world.end()
  }

  @Test("WithInitJob: only a volume that its job has filled is handed out, and the job gets the replica as its volume")
  func withInitJob() async throws {
    let world = try await PoolWorld()
    world.setJobs { _ in .runs }
    world.start()
    let template: JSONValue = [
      "metadata": ["labels": ["is": "filler"]],
      "spec": [
        "backoffLimit": 2, "activeDeadlineSeconds": 60, "ttlSecondsAfterFinished": 5,
        "template": [
          "spec": [
            "containers": [["name": "init", "image": "busybox"]],
            "volumes": [["name": "mine", "emptyDir": [:]], ["name": "other", "emptyDir": [:]]],
          ]
        ],
      ],
    ]
    try await world.addPool(replicas: 1, ["initJob": ["template": template, "volumeName": "mine"]])
    try await world.addCheckout("mine")
    #expect(
      await world.becomes { world.jobsNow.count == 1 && world.replicas().first?.phase == "Bound" },
      "\(world.description)")
    #expect(world.acquired("mine")?.reason == CheckoutCondition.notAvailable)
    #expect(world.jobsNow.first?.metadata.name == world.replicas().first?.metadata.name)
    world.setJobs { _ in .completes }
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 1) }, "\(world.description)")
    #expect(await world.becomes { world.jobsNow.isEmpty })
    await world.end()
  }

  @Test("BeforePoolCreation: a checkout waits for its pool, and says so")
  func beforePoolCreation() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.acquired("mine")?.reason == CheckoutCondition.poolDoesNotExist })
    #expect(world.acquired("mine")?.status == "Unknown")
    #expect(await world.becomes { world.events(.poolAvailability).count == 1 })
    try await world.addPool(replicas: 1)
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    await world.end()
  }

  @Test("BeforePoolHasReplicas: a checkout waits for the first replica, without a back-off")
  func beforePoolHasReplicas() async throws {
    let world = try await PoolWorld.settled(replicas: 0)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.acquired("mine")?.reason == CheckoutCondition.notAvailable })
    try await world.scale(to: 1)
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    await world.end()
  }

  @Test("ClaimName: the claim has the name that was asked for")
  func claimName() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine", ["claimName": "data"])
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    #expect(world.checkout("mine")?.status.volumeClaimRef?.name == "data" && world.volume(of: "data") != nil)
    await world.end()
  }

  @Test("ClaimInUse: another claim of the name is a conflict, is left alone, and when it goes the checkout goes on")
  func claimInUse() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addClaim("data")
    let foreign = try #require(world.claim("data"))
    try await world.addCheckout("mine", ["claimName": "data"])
    #expect(
      await world.becomes { world.acquired("mine")?.reason == CheckoutCondition.conflict }, "\(world.description)")
    #expect(world.acquired("mine")?.status == "Unknown" && world.claim("data")?.metadata.uid == foreign.metadata.uid)
    #expect(world.checkout("mine")?.status.volumeName == "")
    try await world.remove(PersistentVolumeClaim.resource, "data")
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    #expect(world.claim("data")?.metadata.uid != foreign.metadata.uid)
    await world.end()
  }

  @Test("AccessModes: a checkout has the modes that it asks for, on the claim and on the PV")
  func accessModes() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine", ["accessModes": ["ReadOnlyMany"]])
    #expect(await world.becomes { world.isAcquired("mine") }, "\(world.description)")
    #expect(world.claim("mine")?.accessModes == ["ReadOnlyMany"])
    #expect(world.volume(of: "mine")?.accessModes == ["ReadOnlyMany"])
    await world.end()
  }

  @Test("PVCReplacement: when the claim is deleted, the checkout gets another volume")
  func replacement() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") })
    let (claim, volume) = (try #require(world.claim("mine")), try #require(world.volume(of: "mine")))
    try await world.remove(PersistentVolumeClaim.resource, "mine")
    #expect(
      await world.becomes {
        world.isAcquired("mine") && world.claim("mine").map { $0.metadata.uid != claim.metadata.uid } == true
      }, "\(world.description)")
    #expect(world.volume(of: "mine")?.metadata.uid != volume.metadata.uid)
    #expect(await world.becomes { !world.volumes.contains { $0.metadata.uid == volume.metadata.uid } })
    await world.end()
  }

  @Test(
    "Mutability: a change while a volume is checked out has no effect and is said; when the volume is gone it counts")
  func mutability() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 1) })
    let volume = try #require(world.volume(of: "mine"))
    _ = try await world.others.patch(
      Checkout.self, ObjectKey(namespace: "x", name: "mine"), .merge(["spec": ["claimName": "other"]]))
    #expect(
      await world.becomes {
        !world.events(.invalidCheckout).isEmpty && world.acquired("mine")?.message.contains("has no effect") == true
      }, "\(world.description)")
    #expect(world.isAcquired("mine"))
    #expect(world.volume(of: "mine")?.metadata.uid == volume.metadata.uid && world.claim("other") == nil)
    try await world.remove(PersistentVolumeClaim.resource, "mine")
    #expect(
      await world.becomes {
        world.volume(of: "other") != nil && world.isAcquired("mine") && world.acquired("mine")?.message == ""
      }, "\(world.description)")
    await world.end()
  }

  @Test("a checkout that is deleted takes its claim along; while a pod uses it, both stay")
  func deletion() async throws {
    let world = try await PoolWorld()
    world.start()
    try await world.addPool(replicas: 1)
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.isSettled(at: 1) })
    let used: Set = [ObjectKey(namespace: "x", name: "mine")]
    try await world.remove(Checkout.resource, "mine")
    #expect(await world.becomes(used: used) { world.claim("mine")?.metadata.isBeingDeleted == true })
    #expect(world.checkout("mine")?.metadata.isBeingDeleted == true)
    #expect(
      await world.becomes { world.checkout("mine") == nil && world.claim("mine") == nil && world.volumes.count == 1 },
      "\(world.description)")
    await world.end()
  }

  @Test("from its creation to a bound claim a checkout takes four writes")
  func writes() async throws {
    // Time stands still: nothing is repeated.
    let world = try await PoolWorld(time: ManualTime())
    world.start()
    try await world.addPool(replicas: 1)
    #expect(await world.becomes { world.isSettled(at: 1) })
    let before = world.server.requests.count
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.claim("mine")?.phase == "Bound" })
    let volume = world.claim("mine")?.volumeName ?? ""
    let changes = world.server.requests.dropFirst(before).filter { request in
      request.hasPrefix("PATCH") && !request.hasSuffix("/status")
        && (request.contains("/checkouts/mine") || request.hasSuffix("/persistentvolumeclaims/mine")
          || request.hasSuffix("/persistentvolumes/\(volume)"))
    }
    // And the claim's creation: the finalizer, the PV, and one that has Kubernetes look at the claim.
    #expect(changes.count <= 3, "\(changes)")
    await world.end()
  }
}
