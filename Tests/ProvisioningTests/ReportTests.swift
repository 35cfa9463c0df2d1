import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Testing

@testable import Provisioning

@Suite("Nodes' reports are checked")
struct ReportTests {
  private static let claim = ObjectKey(namespace: "default", name: "data")
  private static let volume = Samples.volume(of: "data")

  /// Runs the body with two nodes, and a claim that is bound to a volume on the first.
  private static func bench(
    _ body: @Sendable (ProvisionerBench, PersistentVolume) async throws -> Void
  ) async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addNode("b", gibibytes: 10)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("data"))
      await bench.eventually("bound") { $0.volumes[volume]?.phase == "Bound" }
      try await body(bench, try #require(bench.cluster.look { $0.volumes[volume] }))
    }
    #expect(bench.cluster.look { $0.violations } == [])
  }

  private static func say(_ bench: ProvisionerBench, _ node: String, _ reports: VolumeReport...) {
    bench.cluster.say(storage(node, gibibytes: 10), reports)
  }

  /// Waits until all reports have been handled.
  private static func settled(_ bench: ProvisionerBench) async {
    await bench.eventuallyIdle()
  }

  @Test("the instance that the PV's own node reports is recorded, once")
  func recorded() async throws {
    try await Self.bench { bench, pv in
      Self.say(bench, "a", .init(volume: Self.volume, uid: pv.metadata.uid, state: .created, instance: "i-1"))
      await bench.eventually("recorded") { $0.volumes[Self.volume]?.instance == "i-1" }
      // A watch has shown it.
      await Self.settled(bench)
      Self.say(bench, "a", .init(volume: Self.volume, uid: pv.metadata.uid, state: .created, instance: "i-2"))
      await Self.settled(bench)
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.instance } == "i-1", "what is recorded stays")
    }
  }

  @Test(
    "an instance is not recorded for another node's PV, for another PV object, or if it is not one word",
    arguments: ["another node", "another UID", "no PV", "blank", "long"])
  func notRecorded(why: String) async throws {
    try await Self.bench { bench, pv in
      let report = VolumeReport(
        volume: why == "no PV" ? "nothing" : Self.volume, uid: why == "another UID" ? "another" : pv.metadata.uid,
        state: .created,
        instance: why == "blank" ? "a b" : why == "long" ? String(repeating: "x", count: 129) : "i-1")
      Self.say(bench, why == "another node" ? "b" : "a", report)
      await Self.settled(bench)
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.instance } == nil)
    }
  }

  @Test(
    "a node's report lifts no finalizer of a PV that is not being deleted, of another node's PV, or before the removal was agreed to"
  )
  func notGivenUp() async throws {
    try await Self.bench { bench, pv in
      for state in [VolumeReport.State.removed, .kept] {
        for node in ["a", "b"] {
          Self.say(bench, node, .init(volume: Self.volume, uid: pv.metadata.uid, state: state))
        }
        await Self.settled(bench)
        #expect(bench.cluster.look { $0.volumes[Self.volume]?.holdsOurFinalizer } == true)
      }
      // Now only node b reports that.
      Self.say(bench, "a")
      await Self.settled(bench)
      bench.cluster.removeClaim(Self.claim)
      await bench.eventually("agreed") { $0.volumes[Self.volume]?.removableInstance == "" }
      await Self.settled(bench)
      #expect(bench.cluster.look { $0.volumes[Self.volume] } != nil, "node b alone speaks of it")
      Self.say(bench, "a", .init(volume: Self.volume, uid: pv.metadata.uid, state: .removed))
      await bench.eventually("released") { $0.volumes[Self.volume] == nil }
    }
  }

  @Test("a PV is not deleted, and no volume removed, while a claim names it, whatever its claimRef says")
  func named() async throws {
    try await Self.bench { bench, pv in
      // A user has bound another claim to the PV. The PV's claimRef still names the first claim.
      var adopter = Samples.claim("adopter")
      adopter.volumeName = Self.volume
      bench.cluster.add(adopter)
      await Self.settled(bench)
      bench.cluster.removeClaim(Self.claim)
      await bench.eventually("said") { $0.events.contains { $0.reason == EventReason.volumeProtected.rawValue } }
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.metadata.isBeingDeleted } == false)
      #expect(bench.cluster.look { $0.events.contains { $0.message.contains("default/adopter") } })
      bench.cluster.removeClaim(adopter.metadata.key)
      await bench.eventually("deleted now") { $0.volumes[Self.volume]?.metadata.isBeingDeleted == true }
    }
  }

  @Test("a PV that is deleted by hand keeps its volume until no claim names it")
  func deletedByHand() async throws {
    try await Self.bench { bench, pv in
      var adopter = Samples.claim("adopter")
      adopter.volumeName = Self.volume
      bench.cluster.add(adopter)
      await Self.settled(bench)
      bench.cluster.delete(volume: Self.volume)
      bench.cluster.edit(volume: Self.volume) { $0.phase = "Released" }
      await bench.eventually("said") { $0.events.contains { $0.reason == EventReason.volumeProtected.rawValue } }
      #expect(bench.cluster.look { $0.volumes[Self.volume]?.removableInstance } == nil)
      bench.cluster.removeClaim(adopter.metadata.key)
      bench.cluster.removeClaim(Self.claim)
      await bench.eventually("agreed") { $0.volumes[Self.volume]?.removableInstance == "" }
    }
  }

  // MARK: Requests

  private static func unpinned(
    _ change: (inout PersistentVolume) -> Void = { _ in }
  ) async throws -> ProvisionerBench {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addNode("b", gibibytes: 10)
    var pv = PersistentVolume(metadata: ObjectMeta(name: "v", uid: "u"))
    pv.flexVolume = FlexVolumeSource(driver: ProductNames.driver)
    pv.capacity = Quantity(.gibibytes(1))
    pv.claim = ObjectReference(namespace: "default", name: "data", uid: "c")
    pv.phase = "Bound"
    change(&pv)
    var claim = Samples.claim(pv.claim?.name ?? "")
    claim.metadata.namespace = pv.claim?.namespace ?? ""
    (claim.metadata.uid, claim.volumeName, claim.phase) = ("c", "v", "Bound")
    bench.cluster.add(claim)
    bench.cluster.put(pv)
    bench.cluster.addPod("pod", on: "a", claim: "data")
    return bench
  }

  @Test("a PV that names no node is assigned to the one where a pod with its claim was scheduled")
  func assigned() async throws {
    let bench = try await Self.unpinned()
    try await bench.run {
      Self.say(bench, "a", .init(volume: "v", uid: "u", state: .requested, pod: "default/pod"))
      await bench.eventually("assigned") {
        $0.volumes["v"]?.hostname == "host-a" && $0.volumes["v"]?.labelledNode == "a"
      }
    }
  }

  @Test(
    "a PV is not assigned to a node without such a pod, without free space, or twice",
    arguments: [
      "another node", "no such pod", "another claim", "another namespace", "no pod", "no free space", "taken",
    ])
  func notAssigned(why: String) async throws {
    let bench = try await Self.unpinned { pv in
      if why == "no free space" { pv.capacity = Quantity(.gibibytes(11)) }
      if why == "another claim" { pv.claim?.name = "other" }
      if why == "taken" { pv.metadata.labels[ClusterNames.nodeLabel] = "b" }
      if why == "another namespace" { pv.claim?.namespace = "other" }
    }
    try await bench.run {
      let pod = why == "no such pod" ? "default/x" : why == "no pod" ? nil : "default/pod"
      Self.say(
        bench, why == "another node" ? "b" : "a", .init(volume: "v", uid: "u", state: .requested, pod: pod))
      await Self.settled(bench)
      #expect(bench.cluster.look { $0.volumes["v"]?.nodeAffinity } == nil)
      #expect(await bench.provisioner.snapshot.counters.reportsRefused > 0)
    }
  }

  @Test("a PV created by hand with an affinity gets its label when the node of that hostname requests it")
  func labelled() async throws {
    let bench = try await Self.unpinned {
      $0.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-a"])
    }
    try await bench.run {
      Self.say(bench, "b", .init(volume: "v", uid: "u", state: .requested))
      await Self.settled(bench)
      #expect(bench.cluster.look { $0.volumes["v"]?.labelledNode } == nil)
      Self.say(bench, "a", .init(volume: "v", uid: "u", state: .requested))
      await bench.eventually("labelled") { $0.volumes["v"]?.labelledNode == "a" }
    }
  }
}
