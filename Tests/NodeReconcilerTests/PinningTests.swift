import Synchronization
import StorageLedger
import NodeService
import LogicalVolumes
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("Volumes bound before a node was known")
struct PinningTests {
  private static func bench(_ change: (inout PersistentVolume) -> Void = { _ in }) throws -> Bench {
    let bench = try Bench()
    bench.writes.put(
      Bench.volume { volume in
        volume.nodeAffinity = nil
        volume.metadata.labels = [:]
        change(&volume)
      })
    return bench
  }

  /// A mount of a pod, with the daemon's reports being sent.
  private static func mount(_ bench: Bench, pod: String = "default/pod") async throws {
    try await bench.reporting {
      _ = try await bench.service.prepare(
        try VolumeName(Bench.name), ["sizeBytes": "1073741824", "binding": "immediate"], pod: pod)
    }
  }

  @Test("the first mount gets the PV assigned to this node, then creates the volume")
  func first() async throws {
    let bench = try Self.bench()
    try await Self.mount(bench)
    let pv = try #require(bench.writes.volumes[Bench.name])
    #expect(pv.nodeAffinity == NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-1"]))
    #expect(pv.metadata.labels[ClusterNames.nodeLabel] == "node-1")
    #expect(bench.stored() != nil)
    #expect(bench.writes.said.map(\.pod) == ["default/pod"])
    // From then on nobody is asked.
    bench.writes.isDown()
    try await Self.mount(bench)
  }

  @Test("a node without free space does not pin the volume: a pod elsewhere can still have it")
  func noRoom() async throws {
    let bench = try Self.bench()
    let refusal = try await #require(throws: VolumeError.self) {
      try await bench.reporting {
        _ = try await bench.service.prepare(
          try VolumeName(Bench.name), ["sizeBytes": "1125899906842624", "binding": "immediate"])
      }
    }
    #expect(refusal.code == .noSpace)
    let pv = try #require(bench.writes.volumes[Bench.name])
    #expect(pv.nodeAffinity == nil)
    #expect(pv.metadata.labels == [:])
    #expect(bench.stored() == nil)
  }

  @Test("two nodes at once: the slower one is refused and creates nothing")
  func race() async throws {
    let bench = try Self.bench()
    bench.writes.beforeFollowing {
      $0.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"])
    }
    let refusal = try await #require(throws: VolumeError.self) { try await Self.mount(bench) }
    #expect(refusal.code == .conflict)
    #expect(refusal.message.contains("host-2"))
    #expect(bench.stored() == nil)
  }

  @Test("somebody else's change of the PV meanwhile does no harm")
  func changed() async throws {
    let bench = try Self.bench()
    bench.writes.beforeFollowing { $0.metadata.annotations["x"] = "y" }
    try await Self.mount(bench)
    #expect(bench.stored() != nil)
  }

  @Test("a PV that is pinned elsewhere, being deleted, or gone is refused", arguments: ["elsewhere", "going", "gone"])
  func refused(why: String) async throws {
    let bench = try Self.bench { volume in
      if why == "elsewhere" { volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"]) }
      if why == "going" { volume.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0) }
    }
    if why == "gone" { bench.writes.forget(Bench.name) }
    let refusal = try await #require(throws: VolumeError.self) { try await Self.mount(bench) }
    #expect(refusal.code == (why == "gone" ? .forbidden : .conflict))
    #expect(bench.stored() == nil)
  }

  @Test("if the provisioner does not assign the PV, the mount fails and says so")
  func noProvisioner() async throws {
    let bench = try Self.bench()
    bench.writes.hasProvisioner(false)
    let refusal = try await #require(throws: VolumeError.self) { try await Self.mount(bench) }
    #expect(refusal.code == .unavailable)
    #expect(refusal.message.contains("provisioner"))
    #expect(bench.stored() == nil)
    #expect(bench.knowledge.reports.isEmpty, "the request ends with its call")
  }

  @Test("without the API server the first mount waits, and says for what")
  func serverAway() async throws {
    let bench = try Self.bench()
    bench.writes.isDown()
    let refusal = try await #require(throws: VolumeError.self) { try await Self.mount(bench) }
    #expect(refusal.code == .unavailable)
    #expect(refusal.message.contains("connection refused"))
    #expect(bench.stored() == nil)
  }
}
