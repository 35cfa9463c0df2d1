import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import NodeService
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import NodeReconciler

@Suite("Generated cluster views")
struct NeverRemovedAliveTests {
  /// What may have happened to a PV, or between what a watch shows and what is true.
  private static let changes: [@Sendable (inout PersistentVolume) -> Void] = [
    { $0.phase = "Bound" }, { $0.phase = "Released" }, { $0.phase = "Failed" }, { $0.reclaimPolicy = "Retain" },
    { $0.metadata.deletionTimestamp = nil }, { $0.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0) },
    { $0.metadata.finalizers.append("kubernetes.io/pv-protection") }, { $0.metadata.finalizers = ["other"] },
    { $0.metadata.uid = "made anew" }, { $0.claim?.uid = "11111111-2222-3333-4444-555555555555" }, { $0.claim = nil },
    { $0.metadata.labels = [:] }, { $0.metadata.labels[ClusterNames.nodeLabel] = "node-2" },
    { $0.nodeAffinity = nil }, { $0.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"]) },
    { $0.metadata.annotations = [:] }, { $0.metadata.annotations[ClusterNames.removalAnnotation] = nil },
    { $0.metadata.annotations[ClusterNames.instanceAnnotation] = "another" },
    {
      $0.metadata.annotations[ClusterNames.instanceAnnotation] = "another"
      $0.metadata.annotations[ClusterNames.removalAnnotation] = "another"
    }, { $0.flexVolume = nil }, { $0.flexVolume?.driver = "other/driver" },
  ]

  /// Whether the truth, not what was seen, allows the removal.
  private static func mayGo(_ truth: PersistentVolume?, uid: String, claim: ClaimUID?) -> Bool {
    guard let truth, truth.metadata.uid == uid, let claim else { return false }
    return truth.metadata.isBeingDeleted && truth.reclaimPolicy == "Delete" && truth.phase != "Bound"
      && truth.metadata.finalizers == [ClusterNames.finalizer] && truth.claim?.uid == claim.text
      && truth.instance == nil && truth.removableInstance != nil
      && truth.nodeAffinity.map { $0 == NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-1"]) } ?? true
  }

  @Test("whatever a watch shows, a volume is removed only if the API server's state allows it", arguments: 0..<8)
  func neverAlive(seed: UInt64) async throws {
    var random = Dice(seed: seed)
    var removed = 0
    for round in 0..<60 {
      let bench = try Bench()
      let reconciler = bench.reconciler()
      _ = try await bench.earlier.prepare(try VolumeName(Bench.name), ["sizeBytes": "1048576"])
      let isRetained = random.next() % 8 == 0
      if isRetained { try await bench.service.setRetained(try VolumeName(Bench.name), true) }
      let claim = bench.stored()?.marks?.claim
      var seen = Bench.dying()
      for _ in 0..<(random.next() % 3) { Self.changes[Int(random.next() % UInt64(Self.changes.count))](&seen) }
      seen = bench.writes.put(seen)
      for _ in 0..<(random.next() % 3) {
        guard bench.writes.volumes[Bench.name] != nil else { break }
        bench.writes.alter(Bench.name, Self.changes[Int(random.next() % UInt64(Self.changes.count))])
        if random.next() % 12 == 0 { bench.writes.forget(Bench.name) }
      }
      bench.writes.isDown(random.next() % 16 == 0)
      let truth = bench.writes.volumes[Bench.name]
      await bench.process(seen, with: reconciler)
      _ = await reconciler.findOrphans()
      if bench.stored() == nil {
        removed += 1
        #expect(
          !isRetained && Self.mayGo(truth, uid: seen.metadata.uid, claim: claim),
          "seed \(seed), round \(round): \(truth.map { "\($0)" } ?? "no PV")")
      }
    }
    #expect(removed > 3, "a test in which nothing is ever removed shows nothing")
  }
}
