import KubernetesAPI
import StorageModel
import Testing

@testable import Provisioning
import StorageLedger

@Suite("Growth by the provisioner")
struct GrowthTests {
  private static let key = ObjectKey(namespace: "default", name: "data")

  private static func bound(_ bench: ProvisionerBench, gibibytes: UInt64) async throws {
    await bench.addNode("a", gibibytes: gibibytes)
    await bench.addClass()
  }

  private static func size(in state: SimulatedCluster.State) -> String? {
    state.volumes[Samples.volume(of: "data")]?.capacity?.description
  }

  @Test("a claim that asks for more gets it from its node's room, and kubelet is told to grow the file system")
  func grows() async throws {
    let bench = ProvisionerBench()
    try await Self.bound(bench, gibibytes: 5)
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      await bench.eventually("grown") { Self.size(in: $0) == "5Gi" }
      await bench.eventually("pending") { $0.claims[Self.key]?.conditions.map(\.type) == ["FileSystemResizePending"] }
    }
    #expect(await bench.provisioner.ledger.room(on: "host-a", at: .init()) == .zero)
  }

  @Test("the status of a claim whose volume has grown is left to Kubernetes' own controller at first")
  func expanderGoesFirst() async throws {
    let bench = ProvisionerBench(expanderTime: .seconds(1_000_000))
    try await Self.bound(bench, gibibytes: 5)
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      await bench.eventually("grown") { Self.size(in: $0) == "5Gi" }
      // The controller's first write makes us look again.
      bench.cluster.edit(Self.key) { $0.conditions = [Condition(type: "Resizing", status: "True")] }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bench.cluster.look { $0.claims[Self.key]?.conditions.map(\.type) } == ["Resizing"])
    }
  }

  @Test("without room it stays as it is, says what is missing, and grows when room returns")
  func waitsForRoom() async throws {
    let bench = ProvisionerBench()
    try await Self.bound(bench, gibibytes: 4)
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      await bench.eventually("told") { $0.notes.contains { $0.note.message.contains("1 GiB missing") } }
      #expect(bench.cluster.look { Self.size(in: $0) } == "2Gi")
      await bench.provisioner.storage(of: "a", storage("a", gibibytes: 5))
      await bench.eventually("grown") { Self.size(in: $0) == "5Gi" }
    }
  }

  @Test("a volume that belongs to another claim, or is being deleted, does not grow")
  func notItsVolume() async throws {
    let bench = ProvisionerBench()
    try await Self.bound(bench, gibibytes: 10)
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims[Self.key]?.phase == "Bound" }
      bench.cluster.edit(volume: Samples.volume(of: "data")) { $0.claim?.uid = "another" }
      bench.cluster.edit(Self.key) { $0.request = Quantity(5 << 30) }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bench.cluster.look { Self.size(in: $0) } == "2Gi")
    }
  }
}
