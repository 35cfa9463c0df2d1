import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@testable import Provisioning
@testable import StorageLedger

@Suite("Provisioner")
struct ProvisionerTests {
  @Test("a claim gets one PV, with everything that node, scheduler and provisioner need")
  func onePV() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    bench.addClass(Samples.storageClass(["fsType": "xfs"]))
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 2))
      await bench.eventually("bound") { $0.claims.values.allSatisfy { $0.phase == "Bound" } }
    }
    let pv = try #require(bench.cluster.look { $0.volumes[Samples.volume(of: "data")] })
    #expect(pv.metadata.labels == [ClusterNames.nodeLabel: "a"])
    #expect(pv.metadata.annotations == [PersistentVolume.provisionedByAnnotation: ClusterNames.provisioner])
    #expect(pv.metadata.finalizers == [ClusterNames.finalizer])
    #expect(pv.hostname == "host-a")
    #expect(pv.claim?.uid == "uid-of-data")
    #expect(pv.claim?.apiVersion == "v1")
    #expect(pv.claim?.kind == "PersistentVolumeClaim")
    #expect(pv.capacity?.description == "2Gi")
    #expect(pv.accessModes == ["ReadWriteOnce"])
    #expect(pv.reclaimPolicy == "Delete")
    #expect(pv.storageClassName == "elastic-local")
    #expect(pv.mountOptions.isEmpty)
    #expect(pv.flexVolume?.driver == ProductNames.driver)
    #expect(pv.flexVolume?.fsType == "xfs")
    #expect(pv.flexVolume?.options == ["sizeBytes": "2147483648"])
    #expect(bench.cluster.look { $0.creations.values.allSatisfy { $0 == 1 } })
  }

  @Test("of 50 claims at once with space for 20, exactly 20 are bound, and the rest are rescheduled with an Event")
  func fiftyForTwenty() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 20)
    bench.addClass()
    bench.cluster.isSlow()
    try await bench.run {
      for number in 0..<50 { bench.cluster.add(Samples.claim("c\(number)")) }
      await bench.eventually("all decided") {
        $0.claims.values.allSatisfy { $0.phase == "Bound" || $0.selectedNode == nil }
      }
      #expect(bench.cluster.look { $0.volumes.count } == 20)
      await bench.eventually("told") { state in
        state.events.count {
          $0.reason == EventReason.insufficientStorage.rawValue && $0.message.contains("node a has 0 B free")
        } == 30
      }
      // Space becomes free, and the scheduler tries again.
      let bound = bench.cluster.look { $0.claims.values.first { $0.phase == "Bound" }?.metadata.key }
      bench.cluster.removeClaim(try #require(bound))
      await bench.eventually("released") { $0.volumes.values.contains { $0.metadata.isBeingDeleted } }
      let name = bench.cluster.look { $0.volumes.values.first { $0.metadata.isBeingDeleted }?.metadata.name }
      bench.cluster.edit(volume: try #require(name)) { $0.metadata.finalizers = [] }
      await bench.eventually("gone") { $0.volumes.count == 19 }
      for key in bench.cluster.look({ $0.claims.filter { $0.value.phase != "Bound" }.keys }) {
        bench.cluster.edit(key) { $0.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = "a" }
      }
      await bench.eventually("one more") { state in
        state.claims.values.allSatisfy { $0.phase == "Bound" || $0.selectedNode == nil } && state.volumes.count == 20
      }
    }
  }

  @Test("a PV that is being deleted keeps its space until its node has removed the volume")
  func deletionKeepsRoom() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Samples.claim("first"))
      await bench.eventually("bound") { $0.volumes.count == 1 }
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "first"))
      await bench.eventually("being deleted") { $0.volumes.values.allSatisfy { $0.metadata.isBeingDeleted } }
      bench.cluster.add(Samples.claim("second"))
      await bench.eventually("sent back") { state in state.claims.values.contains { $0.selectedNode == nil } }
      #expect(bench.cluster.look { $0.volumes.count } == 1)
    }
  }

  @Test("an answer that is lost, before or after the PV was written, leads to one PV", arguments: [true, false])
  func lostAnswer(isWritten: Bool) async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    bench.cluster.disturbCreations([isWritten ? .lostAfter : .lostBefore])
    try await bench.run {
      bench.cluster.add(Samples.claim("data"))
      await bench.eventually("bound") { $0.claims.values.allSatisfy { $0.phase == "Bound" } }
    }
    #expect(bench.cluster.look { $0.creations } == [Samples.volume(of: "data"): 1])
    #expect(await bench.allocator.ledger.freeSpace(on: "host-a", at: .init()) == .zero)
  }

  @Test("a rejected write frees its space, gets an Event on the claim and is retried; its success gets an Event too")
  func rejected() async throws {
    // Slow enough that the same refusal is not sent twice.
    let bench = ProvisionerBench(time: FastTime(factor: 50))
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    bench.cluster.disturbCreations([], then: .rejected)
    try await bench.run {
      bench.cluster.add(Samples.claim("data"))
      await bench.eventually("told") { !$0.events.isEmpty }
      // With these watches held, the Event about the success comes from the creation of the PV.
      bench.cluster.server.holdWatches(of: PersistentVolumeClaim.resource)
      bench.cluster.disturbCreations([])
      await bench.eventually("bound") { $0.claims.values.allSatisfy { $0.phase == "Bound" } }
      await bench.eventually("told of it") { $0.events.count == 2 }
    }
    let events = bench.cluster.look { $0.events }
    #expect(events.map(\.reason) == [EventReason.provisioningFailed.rawValue, "ProvisioningSucceeded"])
    #expect(events.map(\.type) == ["Warning", "Normal"])
    #expect(events.first?.message.contains("admission webhook says no") == true)
  }

  @Test(
    "a claim that is deleted while its PV is being written leaves neither PV nor booking behind",
    arguments: [Faults.Fate.done, .lostBefore, .lostAfter], 0..<5)
  func claimDeletedMeanwhile(fate: Faults.Fate, delay: Int) async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    bench.cluster.isSlow()
    bench.cluster.removesAtOnce()
    bench.cluster.disturbCreations([fate])
    try await bench.run {
      bench.cluster.add(Samples.claim("data"))
      try await Task.sleep(for: .milliseconds(delay * 2))
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "data"))
      try await Task.sleep(for: .milliseconds(30))
      bench.cluster.add(Samples.claim("next"))
      // The scheduler tries again as long as there is no free space.
      for _ in 0..<1000 where !bench.cluster.look({ $0.claims.values.allSatisfy { $0.phase == "Bound" } }) {
        try await Task.sleep(for: .milliseconds(5))
        bench.cluster.edit(ObjectKey(namespace: "default", name: "next")) {
          $0.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = "a"
        }
      }
    }
    #expect(bench.cluster.look { Array($0.volumes.keys) } == [Samples.volume(of: "next")])
  }

  @Test("a PV of that name that is another claim's is left alone")
  func foreignVolume() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    var foreign = PersistentVolume(metadata: ObjectMeta(name: Samples.volume(of: "data"), uid: "x"))
    foreign.claim = ObjectReference(namespace: "default", name: "other", uid: "other")
    bench.cluster.put(foreign)
    try await bench.run {
      bench.cluster.add(Samples.claim("data"))
      await bench.eventually("told") { $0.events.contains { $0.message.contains("is not this claim's") } }
    }
    #expect(bench.cluster.look { $0.volumes.values.map(\.claim?.uid) } == ["other"])
  }

  @Test("a claim whose PV is being deleted before it is bound gets another when that one is gone")
  func deletedBeforeBound() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 1)
    bench.addClass()
    let claim = Samples.claim("data")
    var former = PersistentVolume(metadata: ObjectMeta(name: Samples.volume(of: "data"), uid: "former"))
    former.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0)
    former.metadata.finalizers = ["example.com/backup"]
    former.flexVolume = FlexVolumeSource(driver: ProductNames.driver)
    former.claim = claim.reference
    let put = former
    try await bench.run {
      bench.cluster.put(put)
      bench.cluster.add(claim)
      try await Task.sleep(for: .milliseconds(20))
      bench.cluster.edit(volume: put.metadata.name) { $0.metadata.finalizers = [] }
      await bench.eventually("bound") { $0.claims.values.allSatisfy { $0.phase == "Bound" } }
    }
    #expect(bench.cluster.look { $0.volumes.values.map(\.metadata.uid) } != ["former"])
    #expect(await bench.allocator.ledger.freeSpace(on: "host-a", at: .init()) == .zero)
  }

  @Test(
    "a chosen node that is gone, has no hostname or is outside the allowed topologies is removed from the claim, with the reason"
  )
  func unusableNodes() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 10)
    var storageClass = Samples.storageClass()
    storageClass.allowedTopologies = [
      .init(expressions: [.init(key: ClusterNames.hostnameLabel, values: ["host-b"])])
    ]
    bench.addClass(storageClass)
    bench.cluster.addNode("nameless", hostname: nil)
    try await bench.run {
      bench.cluster.add(Samples.claim("gone", node: "gone"))
      bench.cluster.add(Samples.claim("nameless", node: "nameless"))
      bench.cluster.add(Samples.claim("outside", node: "a"))
      await bench.eventually("all sent back") { $0.claims.values.allSatisfy { $0.selectedNode == nil } }
    }
    let messages = bench.cluster.look { $0.events.map { "\($0.involvedObject.name): \($0.message)" } }
    #expect(messages.contains { $0.hasPrefix("gone: node gone does not exist any more") })
    #expect(messages.contains { $0.hasPrefix("nameless: node nameless has no label kubernetes.io/hostname") })
    #expect(messages.contains { $0.hasPrefix("outside: node a is outside the storage class's allowedTopologies") })
    #expect(bench.cluster.look { $0.volumes.isEmpty })
  }

  @Test(
    "with Immediate the PV is pinned to no node, and its first mount pins it; without free space anywhere, no PV is created"
  )
  func immediate() async throws {
    let bench = ProvisionerBench()
    bench.addClass(Samples.storageClass(binding: "Immediate"))
    try await bench.run {
      bench.cluster.add(Samples.claim("data", gibibytes: 4, node: nil))
      await bench.eventually("told") { $0.events.contains { $0.message.contains("no node has reported") } }
      bench.addNode("a", gibibytes: 3)
      await bench.eventually("told") {
        $0.events.contains { $0.message.contains("the largest free space is 3 GiB") }
      }
      bench.addNode("b", gibibytes: 5)
      await bench.eventually("bound") { $0.claims.values.allSatisfy { $0.phase == "Bound" } }
    }
    let pv = try #require(bench.cluster.look { $0.volumes.values.first })
    #expect(pv.nodeAffinity == nil)
    #expect(pv.metadata.labels.isEmpty)
    #expect(pv.flexVolume?.options["binding"] == "immediate")
  }

  @Test("cancelling ends the work: nothing is written after run() has returned")
  func cancellation() async throws {
    let bench = ProvisionerBench(parallelism: 4)
    bench.addNode("a", gibibytes: 1000)
    bench.addClass()
    bench.cluster.isSlow()
    try await bench.run {
      for number in 0..<200 { bench.cluster.add(Samples.claim("c\(number)")) }
      await bench.eventually("some") { $0.volumes.count > 10 }
    }
    let count = bench.cluster.look { $0.volumes.count }
    try await Task.sleep(for: .milliseconds(50))
    #expect(bench.cluster.look { $0.volumes.count } == count)
    #expect(count < 200)
  }
}
