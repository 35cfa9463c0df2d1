import KubernetesAPI
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Provisioning

@Suite("Free space for the scheduler")
struct CapacityTests {
  private static func capacity(
    _ state: ClaimTruth, _ node: String, _ storageClass: String = "elastic-local"
  )
    -> ByteCount?
  {
    state.capacities[ClusterNames.nodeCapacityObject(of: node, storageClass: storageClass)]?.capacity?.byteCount
  }

  @Test("the free space of each node for each class is written, and follows claims, growth and deletions")
  func follows() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addNode("b", gibibytes: 20)
    bench.addClass()
    bench.cluster.removesAtOnce()
    try await bench.run {
      await bench.eventually("both") {
        Self.capacity($0, "a") == .gibibytes(10) && Self.capacity($0, "b") == .gibibytes(20)
      }
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("less") { Self.capacity($0, "a") == .gibibytes(8) }
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "data"))
      await bench.eventually("more") { Self.capacity($0, "a") == .gibibytes(10) }
      #expect(bench.cluster.look { Self.capacity($0, "b") } == .gibibytes(20))
    }
  }

  @Test("objects of classes and nodes that are gone are deleted, also those of a former leader")
  func withdrawn() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addClass()
    var stale = CSIStorageCapacity(
      metadata: ObjectMeta(
        name: "elastic-local.gone.elastic-local", namespace: ClaimWorld.namespace,
        labels: [ClusterNames.componentLabel: ClusterNames.nodeCapacityComponent]))
    stale.storageClassName = "elastic-local"
    stale.nodeLabels = [ClusterNames.hostnameLabel: "host-gone"]
    bench.cluster.server.put(stale.json(), as: CSIStorageCapacity.resource)
    try await bench.run {
      await bench.eventually("the stale one is gone") { $0.capacities.count == 1 && Self.capacity($0, "a") != nil }
      bench.cluster.removeClass("elastic-local")
      await bench.eventually("the class is gone") { $0.capacities.isEmpty }
    }
  }

  @Test("nodes that share a hostname have no free space, because nothing tells on which of them a volume is")
  func shared() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.cluster.addNode("b", hostname: "host-a")
    bench.addClass()
    try await bench.run {
      await bench.eventually("none") { Self.capacity($0, "a") == .zero }
      bench.cluster.add(Samples.claim("data"))
      await bench.eventually("refused") { $0.claims.values.allSatisfy { $0.selectedNode == nil } && $0.volumes.isEmpty }
      await bench.eventually("said") {
        $0.events.contains { $0.message.contains("nodes a and b have the same label") }
      }
      bench.cluster.removeNode("b")
      await bench.eventually("free space again") { Self.capacity($0, "a") == .gibibytes(10) }
    }
  }

  private static func publications(_ bench: ProvisionerBench) -> Int {
    bench.cluster.server.requests.count { $0.hasPrefix("PATCH") && $0.contains("/csistoragecapacities/") }
  }

  @Test("many claims at once cost few writes")
  func burst() async throws {
    // Slow enough that a claim takes less time than the pause between two writes.
    let bench = ProvisionerBench(time: FastTime(factor: 20))
    bench.addNode("a", gibibytes: 200)
    bench.addClass()
    try await bench.run {
      await bench.eventually("told") { Self.capacity($0, "a") == .gibibytes(200) }
      let before = Self.publications(bench)
      for number in 0..<100 { bench.cluster.add(Samples.claim("c\(number)")) }
      await bench.eventually("all bound") { $0.volumes.count == 100 }
      await bench.eventually("the last size") { Self.capacity($0, "a") == .gibibytes(100) }
      // With this clock, there is at most one write in a quarter of a second.
      #expect(Self.publications(bench) - before < 100)
    }
  }
}
