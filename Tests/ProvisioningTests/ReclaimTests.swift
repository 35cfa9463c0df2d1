import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@testable import Provisioning
import StorageLedger

@Suite("Reclaim by the provisioner")
struct ReclaimTests {
  private static func released(_ change: (inout PersistentVolume) -> Void = { _ in }) -> PersistentVolume {
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: "v", uid: "u", labels: [ClusterNames.nodeLabel: "a"],
        annotations: [PersistentVolume.provisionedByAnnotation: ClusterNames.provisioner],
        finalizers: [ClusterNames.finalizer]))
    volume.flexVolume = FlexVolumeSource(driver: ProductNames.driver)
    volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-a"])
    volume.reclaimPolicy = "Delete"
    volume.phase = "Released"
    change(&volume)
    return volume
  }

  private static let deletion = Timestamp(seconds: 1, nanoseconds: 0)

  @Test("a released PV with policy Delete is deleted, one of the Go program's provisioner too")
  func released() {
    #expect(VolumeReview.verdict(on: Self.released()) == .delete)
    #expect(VolumeReview.verdict(on: Self.released { $0.phase = "Failed" }) == .delete)
    #expect(
      VolumeReview.verdict(
        on: Self.released {
          $0.metadata.annotations[PersistentVolume.provisionedByAnnotation] = ClusterNames.formerProvisioner
        }) == .delete)
  }

  @Test("a PV with Retain, with a claim, of others, or created by hand is left alone")
  func left() {
    let others: [(inout PersistentVolume) -> Void] = [
      { $0.reclaimPolicy = "Retain" }, { $0.reclaimPolicy = "" }, { $0.phase = "Bound" }, { $0.phase = "Available" },
      { $0.phase = "" }, { $0.phase = "Pending" }, { $0.flexVolume = nil }, { $0.flexVolume?.driver = "other/driver" },
      { $0.metadata.annotations = [:] },
      { $0.metadata.annotations[PersistentVolume.provisionedByAnnotation] = "somebody.else" },
    ]
    for change in others { #expect(VolumeReview.verdict(on: Self.released(change)) == .leave) }
  }

  @Test("a PV that is being deleted waits for its node; one that a claim still holds waits for the claim")
  func waits() {
    #expect(
      VolumeReview.verdict(on: Self.released { $0.metadata.deletionTimestamp = Self.deletion })
        == .awaitNode(hostname: "host-a"))
    let held: [(inout PersistentVolume) -> Void] = [
      { $0.phase = "Bound" }, { $0.metadata.finalizers.append("kubernetes.io/pv-protection") },
      { $0.metadata.finalizers = ["other"] },
    ]
    for change in held {
      #expect(
        VolumeReview.verdict(
          on: Self.released {
            $0.metadata.deletionTimestamp = Self.deletion
            change(&$0)
          }) == .leave)
    }
  }

  @Test("a PV that was never pinned has no volume anywhere: its finalizer is lifted")
  func unpinned() {
    let volume = Self.released {
      $0.metadata.deletionTimestamp = Self.deletion
      $0.metadata.labels = [:]
      $0.nodeAffinity = nil
    }
    #expect(VolumeReview.verdict(on: volume) == .liftFinalizer)
  }

  @Test("PVs of a node that is gone stay for the grace time; then the finalizer is lifted, and an Event is sent")
  func nodeGone() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("dead"))
      bench.cluster.add(Samples.claim("alive"))
      await bench.eventually("bound") { $0.volumes.count == 2 }
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "dead"))
      await bench.eventually("being deleted") { $0.volumes.values.contains { $0.metadata.isBeingDeleted } }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bench.cluster.look { $0.volumes.count } == 2, "the node is there: its daemon decides")
      bench.cluster.removeNode("a")
      await bench.eventually("given up") { $0.volumes.count == 1 }
      await bench.eventually("told") {
        $0.events.contains { $0.involvedObject.name == "alive" && $0.reason == EventReason.nodeGone.rawValue }
      }
    }
    let events = bench.cluster.look { $0.events }
    #expect(
      events.contains {
        $0.reason == EventReason.volumeGivenUp.rawValue && $0.involvedObject.name == Samples.volume(of: "dead")
      })
    #expect(bench.cluster.look { $0.volumes.values.allSatisfy { !$0.metadata.isBeingDeleted } })
  }

  @Test(
    "a node that exists keeps its volumes although the watches show it as gone, also one whose name is too long for a label",
    arguments: ["a", String(repeating: "long-name.", count: 8) + "a"])
  func staleWatch(node: String) async throws {
    let bench = ProvisionerBench()
    bench.cluster.addNode(node, hostname: "host-a")
    bench.cluster.say(storage(node, gibibytes: 10))
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("dead", node: node))
      await bench.eventually("bound") { $0.volumes.count == 1 }
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "dead"))
      await bench.eventually("being deleted") { $0.volumes.values.contains { $0.metadata.isBeingDeleted } }
      await bench.eventuallyIdle()
      bench.cluster.server.holdWatches()
      bench.cluster.removeNode(node)
      bench.cluster.addNode(node, hostname: "host-a")
      bench.cluster.server.showWatches(1)
      // It looks again and again whether the node is there.
      let isLookedForTwice = await eventually {
        bench.cluster.server.requests.count { $0.hasPrefix("GET /api/v1/nodes/") } >= 2
      }
      #expect(isLookedForTwice)
    }
    #expect(bench.cluster.look { $0.volumes.values.map(\.metadata.finalizers) } == [[ClusterNames.finalizer]])
  }

  @Test("a node that comes back within the grace time keeps its volumes")
  func nodeBack() async throws {
    let bench = ProvisionerBench(nodeGrace: .seconds(3000))
    bench.addNode("a", gibibytes: 10)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("dead"))
      await bench.eventually("bound") { $0.volumes.count == 1 }
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "dead"))
      await bench.eventually("being deleted") { $0.volumes.values.contains { $0.metadata.isBeingDeleted } }
      for _ in 0..<3 {
        bench.cluster.removeNode("a")
        // More than a third of the grace time, and two seconds less than all of it, because the machine may be busy.
        try await Task.sleep(for: .milliseconds(1050))
        bench.addNode("a", gibibytes: 10)
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    #expect(bench.cluster.look { $0.volumes.count } == 1)
  }
}
