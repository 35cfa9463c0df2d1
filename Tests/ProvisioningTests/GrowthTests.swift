import KubernetesAPI
import StorageLedger
import StorageModel
import Testing

@testable import Provisioning

/// Kubernetes writes the new size into the PV; the tests do so in its place.
@Suite("Claims that grow")
struct GrowthTests {
  private static let key = ObjectKey(namespace: "default", name: "data")
  private static let volume = Samples.volume(of: "data")

  /// A claim of 2 GiB that is bound on a node with so much room, and then asks for 5 GiB.
  private static func growing(
    on gibibytes: UInt64, _ body: @Sendable (ProvisionerBench) async throws -> Void
  ) async throws {
    let bench = ProvisionerBench()
    await bench.addNode("a", gibibytes: gibibytes)
    await bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      try await body(bench)
    }
  }

  private static func room(_ bench: ProvisionerBench) async -> ByteCount {
    await bench.provisioner.ledger.room(on: "host-a", at: .init())
  }

  @Test("the ledger takes the room when Kubernetes has written the PV's new size, and nobody is told anything")
  func follows() async throws {
    try await Self.growing(on: 6) { bench in
      bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(5 << 30) }
      while await Self.room(bench) != .gibibytes(1) { try await Task.sleep(for: .milliseconds(5)) }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bench.cluster.look { $0.notes.isEmpty })
    }
  }

  @Test(
    "without room it is said what is missing, before Kubernetes has written the new size and after it",
    arguments: [false, true])
  func withoutRoom(isWritten: Bool) async throws {
    try await Self.growing(on: 4) { bench in
      if isWritten { bench.cluster.edit(volume: Self.volume) { $0.capacity = Quantity(5 << 30) } }
      await bench.eventually("told") { $0.notes.contains { $0.note.message.contains("1 GiB missing") } }
      #expect(await bench.provisioner.snapshot.claimsWithoutRoom == 1)
      await bench.provisioner.storage(of: "a", storage("a", gibibytes: 5))
      while await bench.provisioner.snapshot.claimsWithoutRoom != 0 { try await Task.sleep(for: .milliseconds(5)) }
    }
  }

  @Test("a volume that belongs to another claim is not looked at")
  func notItsVolume() async throws {
    try await Self.growing(on: 4) { bench in
      bench.cluster.edit(volume: Self.volume) { $0.claim?.uid = "another" }
      bench.cluster.look { $0.notes = [] }
      bench.cluster.edit(Self.key) { $0.request = Quantity(6 << 30) }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bench.cluster.look { $0.notes.isEmpty })
    }
  }
}
