import Controllers
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@testable import Provisioning
@testable import StorageLedger

/// In these tests, the test writes the new size into the PV in place of Kubernetes.
@Suite("Claims that grow")
struct GrowthTests {
  private static let key = ObjectKey(namespace: "default", name: "data")
  private static let volume = Samples.volume(of: "data")

  /// Binds a claim of 2 GiB on a node with this free space. The claim then requests 5 GiB.
  private static func growing(
    on gibibytes: UInt64, _ body: @Sendable (ProvisionerBench) async throws -> Void
  ) async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: gibibytes)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      try await body(bench)
    }
  }

  private static func capacity(_ bench: ProvisionerBench) async -> ByteCount {
    await bench.allocator.ledger.freeSpace(on: "host-a", at: .init())
  }

  @Test("the ledger books the growth when Kubernetes has written the PV's new size, and no Event is sent")
  func follows() async throws {
    try await Self.growing(on: 6) { bench in
      bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(5 << 30) }
      while await Self.capacity(bench) != .gibibytes(1) { try await Task.sleep(for: .milliseconds(5)) }
      await bench.eventuallyIdle()
      #expect(bench.cluster.look { $0.events.isEmpty })
    }
  }

  @Test(
    "without free space an Event says how much is missing, before and after Kubernetes has written the new size",
    arguments: [false, true])
  func withoutRoom(isWritten: Bool) async throws {
    try await Self.growing(on: 4) { bench in
      if isWritten { bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(5 << 30) } }
      await bench.eventually("told") { $0.events.contains { $0.message.contains("1 GiB missing") } }
      #expect(await bench.provisioner.snapshot.claimsWithoutSpace == 1)
      bench.cluster.say(storage("a", gibibytes: 5))
      while await bench.provisioner.snapshot.claimsWithoutSpace != 0 { try await Task.sleep(for: .milliseconds(5)) }
    }
  }

  @Test("a growth that does not fit takes no space: another claim is provisioned beside it")
  func nobodysRoom() async throws {
    try await Self.growing(on: 6) { bench in
      bench.cluster.edit(Self.key) { $0.request = Quantity(900 << 40) }
      bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(900 << 40) }
      await bench.eventually("told") { $0.events.contains { $0.message.contains("lower the claim's request") } }
      #expect(await Self.capacity(bench) == .gibibytes(4))
      bench.cluster.add(Samples.claim("other", gibibytes: 4))
      await bench.eventually("bound") { $0.claims[.init(namespace: "default", name: "other")]?.phase == "Bound" }
      #expect(await Self.capacity(bench) == .zero)
    }
  }

  @Test(
    "when the request is lowered to what fits the PV follows, its claim gets an Event, and no longer counts as one without free space"
  )
  func lowered() async throws {
    try await Self.growing(on: 6) { bench in
      bench.cluster.edit(Self.key) { $0.request = Quantity(900 << 40) }
      bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(900 << 40) }
      while await bench.provisioner.snapshot.claimsWithoutSpace != 1 { try await Task.sleep(for: .milliseconds(5)) }
      bench.cluster.edit(Self.key) { $0.request = Quantity(4 << 30) }
      await bench.eventually("set back") { $0.volumes[Self.volume]?.capacity == Quantity(4 << 30) }
      await bench.eventually("told") { $0.events.contains { $0.reason == EventReason.volumeCanGrow.rawValue } }
      while await bench.provisioner.snapshot.claimsWithoutSpace != 0 { try await Task.sleep(for: .milliseconds(5)) }
      while await Self.capacity(bench) != .gibibytes(2) { try await Task.sleep(for: .milliseconds(5)) }
    }
  }

  @Test("a PV that follows a raised request keeps its size while the claim is still shown with the former one")
  func shownLate() async throws {
    try await Self.growing(on: 6) { bench in
      await bench.eventuallyIdle()
      let shown = try #require(bench.cluster.look { $0.claims[Self.key] })
      // The API server has the new request, but no watch has shown it.
      bench.cluster.server.holdWatches(of: PersistentVolumeClaim.resource)
      bench.cluster.edit(Self.key) { $0.request = Quantity(900 << 40) }
      bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(900 << 40) }
      await bench.provisioner.claim(Self.key, shown)
      await bench.eventuallyIdle()
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.capacity } == Quantity(900 << 40))
      bench.cluster.server.showWatches()
      await bench.eventually("told") { $0.events.contains { $0.message.contains("lower the claim's request") } }
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.capacity } == Quantity(900 << 40))
      #expect(await Self.capacity(bench) == .gibibytes(4))
    }
  }

  @Test(
    "a PV whose size fits, or that we did not create, keeps its size when the request is lowered",
    arguments: [5, 9])
  func keptSize(gibibytes: Int64) async throws {
    try await Self.growing(on: 6) { bench in
      bench.cluster.edit(volume: Self.volume) { volume in
        volume.capacity = Quantity(gibibytes << 30)
        if gibibytes > 6 { volume.metadata.annotations = [:] }
      }
      await bench.eventuallyIdle()
      bench.cluster.edit(Self.key) { $0.request = Quantity(3 << 30) }
      await bench.eventuallyIdle()
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.capacity } == Quantity(gibibytes << 30))
    }
  }

  @Test("a volume that belongs to another claim is not looked at")
  func notItsVolume() async throws {
    try await Self.growing(on: 4) { bench in
      var another = Samples.claim("another", gibibytes: 2)
      (another.volumeName, another.phase) = (Self.volume, "Bound")
      let holder = another
      bench.cluster.add(holder)
      bench.cluster.edit(volume: Self.volume) { $0.claim = holder.reference }
      await bench.eventuallyIdle()
      let before = bench.cluster.look { $0.events.count }
      bench.cluster.edit(Self.key) { $0.request = Quantity(6 << 30) }
      await bench.eventuallyIdle()
      #expect(bench.cluster.look { $0.events.count } == before)
    }
  }
}
