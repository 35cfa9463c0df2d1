import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Provisioning

@Suite("Claims of nodes that have left for good", .timeLimit(.minutes(5)))
struct NodeLossTests {
  private typealias World = NodeLossWorld

  private static func sets(_ names: [String], on node: String) -> [NodeLossWorld.StatefulSet] {
    names.map { NodeLossWorld.StatefulSet(name: $0, node: node) }
  }

  /// Whether the claim still exists and is not being deleted, and its PV still has policy Delete and is not set aside.
  private static func isUntouched(_ claim: PersistentVolumeClaim, in world: NodeLossWorld) -> Bool {
    let volume = world.volume(claim.volumeName)
    return world.server.objects(PersistentVolumeClaim.self).contains {
      $0.metadata.uid == claim.metadata.uid && !$0.metadata.isBeingDeleted
    } && volume?.isSetAside == false && volume?.reclaimPolicy == "Delete" && volume?.metadata.isBeingDeleted == false
  }

  @Test(
    "claim and pod are created again on another node, the PV stays with its data, all three get an Event, and other pods continue"
  )
  func recreated() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a") + Self.sets(["safe"], on: "b"))
      let (former, safe) = (try #require(world.claim("lost")), try #require(world.claim("safe")))
      let (formerPod, safePod) = (try #require(world.pod("lost")), try #require(world.pod("safe")))
      try await world.removeNode("a")
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      #expect(world.claim("lost")?.metadata.uid != former.metadata.uid)
      #expect(world.pod("lost")?.metadata.uid != formerPod.metadata.uid)
      let kept = try #require(world.volume(former.volumeName))
      #expect(kept.isSetAside && kept.reclaimPolicy == "Retain" && !kept.metadata.isBeingDeleted)
      #expect(kept.metadata.labels[ClusterNames.nodeLossLabel] == "true")
      #expect(Self.isUntouched(safe, in: world))
      #expect(world.pod("safe")?.metadata.uid == safePod.metadata.uid)
      for kind in ["PersistentVolumeClaim", "PersistentVolume", "Pod"] {
        await world.eventually("\(kind) is told") { !world.events(.claimRecreated, kind).isEmpty }
      }
      #expect(await world.snapshot?.counters.claimsRecreated == 1)
      #expect(await world.snapshot?.volumesSetAside == 1)
    }
  }

  @Test("a pod without a node that waits for its claim is deleted too, after the claim")
  func waitingPod() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let former = try #require(world.claim("lost"))
      let waiting = try #require(world.pod("lost"))
      // As if the pod had been created again just before the node went.
      world.server.edit(Pod.resource, waiting.metadata.key) { $0[["spec", "nodeName"]] = nil }
      try await world.removeNode("a")
      world.wire.once(.before, .deletePod) {
        #expect(world.claim("lost")?.metadata.uid != former.metadata.uid)
      }
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      #expect(world.pod("lost")?.metadata.uid != waiting.metadata.uid)
    }
  }

  @Test("a claim of a class with keepClaim stays as it is, with its pod, beside one that is created again")
  func kept() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost", "kept"], on: "a"))
      let claim = try #require(world.claim("kept"))
      let pod = try #require(world.pod("kept"))
      // Like the PV of such a class.
      world.server.edit(PersistentVolume.resource, ObjectKey(name: claim.volumeName)) {
        $0[["metadata", "annotations", ClusterNames.onNodeLossAnnotation]] = nil
      }
      try await world.removeNode("a")
      await world.eventually("the other one runs elsewhere") { world.pod("lost")?.nodeName == "b" }
      #expect(Self.isUntouched(claim, in: world))
      #expect(world.pod("kept")?.metadata.uid == pod.metadata.uid)
      await world.eventually("told") { !world.events(.nodeGone, "PersistentVolumeClaim").isEmpty }
    }
  }

  @Test(
    "with the class's default, or with limit 0, nothing is deleted, and the claim gets an Event that its node is gone")
  func never() async throws {
    for (policy, limit) in [("keepClaim", 10), ("recreateClaim", 0)] {
      try await World.with(nodes: ["a", "b"], policy: policy, limit: limit) { world in
        await world.add(Self.sets(["lost"], on: "a"))
        let claim = try #require(world.claim("lost"))
        let pod = try #require(world.pod("lost"))
        try await world.removeNode("a")
        await world.eventually("told") { !world.events(.nodeGone, "PersistentVolumeClaim").isEmpty }
        // The provisioner has handled all that it was shown.
        await world.eventually("at rest") { await world.snapshot.map { $0.due == 0 && $0.running == 0 } ?? false }
        #expect(Self.isUntouched(claim, in: world))
        #expect(world.pod("lost")?.metadata.uid == pod.metadata.uid)
      }
    }
  }

  @Test("a node that is only NotReady keeps its claims, while those of a node that is gone are created again")
  func notReady() async throws {
    try await World.with(nodes: ["a", "b", "c"]) { world in
      await world.add(Self.sets(["waiting"], on: "a") + Self.sets(["lost"], on: "b"))
      let claim = try #require(world.claim("waiting"))
      world.server.edit(Node.resource, ObjectKey(name: "a")) {
        $0[["status"]] = ["conditions": [["type": "Ready", "status": "Unknown"]]]
      }
      try await world.removeNode("b")
      await world.eventually("the other node's claim is recreated") { world.pod("lost")?.nodeName == "c" }
      #expect(Self.isUntouched(claim, in: world))
    }
  }

  /// Removes a node and adds it again, perhaps under another name. The watches show only the removal. Returns when the
  /// provisioner has read the node from the API server more than once.
  private static func showAsGone(_ node: String, backAs new: String, in world: NodeLossWorld) async throws {
    let look = "GET /api/v1/nodes/\(node)"
    for _ in 0..<10 {
      let before = world.server.requests.count { $0 == look }
      world.server.holdWatches()
      try await world.removeNode(node)
      try await world.addNode(new, hostname: "host-\(node)")
      world.server.showWatches(1)
      if await eventually(within: .seconds(5), { world.server.requests.count { $0 == look } >= before + 3 }) { return }
      // Another change was written at the same moment, and was shown instead.
      world.server.showWatches()
      try await world.removeNode(new)
      try await world.addNode(node)
    }
    Issue.record("the provisioner does not look for node \(node)")
  }

  @Test("a node that exists keeps its claims although the watches show it as gone")
  func staleWatch() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["waiting"], on: "a"))
      let claim = try #require(world.claim("waiting"))
      try await Self.showAsGone("a", backAs: "a", in: world)
      #expect(Self.isUntouched(claim, in: world))
    }
  }

  @Test(
    "a node that has come back under another name with the same hostname keeps its claims, also before a watch shows it"
  )
  func renamed() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["waiting"], on: "a"))
      let claim = try #require(world.claim("waiting"))
      try await Self.showAsGone("a", backAs: "a-again", in: world)
      #expect(Self.isUntouched(claim, in: world))
      world.server.showWatches()
      await world.eventually("at rest") { await world.snapshot.map { $0.due == 0 && $0.running == 0 } ?? false }
      #expect(Self.isUntouched(claim, in: world))
    }
  }

  @Test(
    "if a node comes back after its PV was set aside and before the claim is deleted, the PV is put back and everything is as before"
  )
  func backBetween() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["waiting"], on: "a"))
      let claim = try #require(world.claim("waiting"))
      let pod = try #require(world.pod("waiting"))
      world.wire.once(.after, .setAside) {
        do { try await world.addNode("a") } catch { Issue.record("\(error)") }
      }
      try await world.removeNode("a")
      await world.eventually("told") { !world.events(.nodeReturned, "PersistentVolumeClaim").isEmpty }
      #expect(Self.isUntouched(claim, in: world))
      let volume = try #require(world.volume(claim.volumeName))
      #expect(volume.metadata.labels[ClusterNames.nodeLossLabel] == nil)
      #expect(volume.metadata.annotations[ClusterNames.formerPolicyAnnotation] == nil)
      #expect(world.pod("waiting")?.metadata.uid == pod.metadata.uid)
      await world.eventually("no PV counts") { await world.snapshot?.volumesSetAside == 0 }
    }
  }

  @Test("if a node comes back after its claim was deleted, the PV and its data are there, and an Event is sent")
  func backAfter() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let former = try #require(world.claim("lost"))
      try await world.removeNode("a")
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      let anew = try #require(world.claim("lost"))
      try await world.addNode("a")
      await world.eventually("told") { !world.events(.nodeReturned, "PersistentVolume").isEmpty }
      #expect(Self.isUntouched(anew, in: world))
      let kept = try #require(world.volume(former.volumeName))
      #expect(kept.isSetAside && kept.reclaimPolicy == "Retain" && !kept.metadata.isBeingDeleted)
    }
  }

  @Test(
    "with a class that also keeps volumes, the next claim gets a new volume, not the one on the node that is gone"
  )
  func keptToo() async throws {
    try await World.with(nodes: ["a", "b"], keep: "forever") { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let former = try #require(world.claim("lost"))
      try await world.removeNode("a")
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      let kept = try #require(world.volume(former.volumeName))
      #expect(kept.isSetAside && kept.claim?.uid == former.metadata.uid)
      #expect(world.claim("lost")?.volumeName != former.volumeName)
    }
  }

  // MARK: Writes

  @Test(
    "after a kill at any of the writes, before or after it has reached the server, another leader ends what was begun, and no claim is deleted whose volume would be deleted too",
    arguments: 0..<6, [false, true])
  func killed(moment: Int, isWaiting: Bool) async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let former = try #require(world.claim("lost"))
      if isWaiting {
        world.server.edit(Pod.resource, ObjectKey(namespace: "default", name: "lost")) {
          $0[["spec", "nodeName"]] = nil
        }
      }
      world.wire.cut(after: 1 + moment / 2, isLastDone: moment % 2 == 1)
      try await world.removeNode("a")
      await world.eventually("cut off") { world.wire.isCut }
      await world.changeLeader()
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      let kept = try #require(world.volume(former.volumeName))
      #expect(kept.isSetAside && kept.reclaimPolicy == "Retain")
    }
  }

  @Test(
    "if the leader is killed after the PV was set aside, and the node is back when another leads, the PV is put back and everything is as before"
  )
  func killedAndBack() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["waiting"], on: "a"))
      let claim = try #require(world.claim("waiting"))
      world.wire.cut(after: 1, isLastDone: true)
      try await world.removeNode("a")
      await world.eventually("cut off") { world.wire.isCut }
      try await world.addNode("a")
      await world.changeLeader()
      await world.eventually("the PV is put back") { world.volumesSetAside.isEmpty }
      #expect(Self.isUntouched(claim, in: world))
    }
  }

  @Test("a claim that was created again under the name while the former one was read is not deleted")
  func anotherClaim() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let former = try #require(world.claim("lost"))
      let replaced = Box<String>()
      world.wire.once(.before, .deleteClaim) {
        do { try await world.replaceClaim("lost") } catch { Issue.record("\(error)") }
        replaced.set(world.claim("lost")?.metadata.uid)
      }
      try await world.removeNode("a")
      await world.eventually("replaced") { replaced.value != nil }
      await world.eventually("the pod runs elsewhere") { world.pod("lost")?.nodeName == "b" && world.isSettled }
      #expect(replaced.value != former.metadata.uid)
      #expect(world.claim("lost")?.metadata.uid == replaced.value)
    }
  }

  @Test("no PV is put back while a request to delete the claim, whose answer was lost, may still be carried out")
  func lateDeletion() async throws {
    // The clock is slow enough that 90 s do not pass by themselves on a busy machine.
    try await World.with(nodes: ["a", "b"], speed: 50) { world in
      await world.add(Self.sets(["waiting"], on: "a"))
      let claim = try #require(world.claim("waiting"))
      world.wire.drop(.deleteClaim)
      world.wire.once(.before, .deleteClaim) {
        do { try await world.addNode("a") } catch { Issue.record("\(error)") }
      }
      try await world.removeNode("a")
      await world.eventually("the PV was set aside and put back") {
        world.wire.time(of: .putBack) != nil && world.volumesSetAside.isEmpty
      }
      #expect(Self.isUntouched(claim, in: world))
      let (sent, putBack) = (world.wire.time(of: .deleteClaim), world.wire.time(of: .putBack))
      #expect(try #require(putBack) - #require(sent) >= Allocator.writeLimit)
    }
  }

  @Test(
    "pods on existing nodes, of others, and without a controller are left alone; so is a pod that is scheduled meanwhile"
  )
  func otherPods() async throws {
    try await World.with(nodes: ["a", "b"]) { world in
      await world.add(Self.sets(["lost"], on: "a"))
      let lost = try #require(world.pod("lost"))
      // This pod delays the claim's deletion, like the pod on the lost node.
      try await world.createPod("elsewhere", claim: "data-lost", node: "b")
      try await world.createPod("other", claim: "data-other")
      try await world.createPod("by-hand", claim: "data-lost", hasController: false)
      try await world.createPod("late", claim: "data-lost")
      let names = ["elsewhere", "other", "by-hand", "late"]
      let before = names.map { world.pod($0)?.metadata.uid }
      try await world.removeNode("a")
      await world.eventually("the pod on the gone node is deleted, and the claim is held up") {
        world.pod("lost")?.metadata.uid != lost.metadata.uid && world.claim("lost")?.metadata.isBeingDeleted == true
      }
      world.wire.once(.before, .deletePod) {
        world.server.edit(Pod.resource, ObjectKey(namespace: "default", name: "late")) {
          $0[["spec", "nodeName"]] = "b"
        }
      }
      world.server.edit(Pod.resource, ObjectKey(namespace: "default", name: "elsewhere")) {
        $0[["spec", "volumes"]] = []
      }
      await world.eventually("claim and pod are created again") {
        world.pod("lost")?.nodeName == "b" && world.isSettled
      }
      #expect(names.map { world.pod($0)?.metadata.uid } == before)
    }
  }

  // MARK: The limit

  @Test(
    "of 30 claims on 5 nodes that go at once, exactly 10 are deleted with a limit of 10, and one more for each PV that is deleted"
  )
  func limit() async throws {
    let gone = ["a", "b", "c", "d", "e"]
    try await World.with(nodes: gone + ["z"], limit: 10) { world in
      let sets = gone.flatMap { node in Self.sets((0..<6).map { "set-\(node)-\($0)" }, on: node) }
      await world.add(sets)
      let before = Set(world.server.objects(PersistentVolumeClaim.self).map(\.metadata.uid))
      func remaining() -> Int {
        world.server.objects(PersistentVolumeClaim.self).count { before.contains($0.metadata.uid) }
      }
      for node in gone { try await world.removeNode(node) }
      await world.eventually("10 are gone, 20 are held back") {
        let snapshot = await world.snapshot
        return remaining() == 20 && snapshot?.claimsHeldBack == 20 && snapshot?.volumesSetAside == 10
      }
      await world.eventually("those held back are told") {
        Set(world.events(.claimRecreationHeldBack, "PersistentVolumeClaim").map(\.involvedObject.name)).count == 20
      }
      // A new provisioner without memory counts the same.
      await world.changeLeader()
      await world.eventually("20 are held back") { await world.snapshot?.claimsHeldBack == 20 }
      #expect(remaining() == 20)
      for volume in world.volumesSetAside.prefix(3) { try await world.deleteVolume(volume.metadata.name) }
      await world.eventually("3 more go") { await world.snapshot?.claimsHeldBack == 17 && remaining() == 17 }
      #expect(world.volumesSetAside.count == 10)
    }
  }

  @Test("a PV whose annotation was removed allows one more claim to be deleted")
  func looked() async throws {
    try await World.with(nodes: ["a", "z"], limit: 1) { world in
      await world.add(Self.sets(["one", "two"], on: "a"))
      try await world.removeNode("a")
      await world.eventually("one is held back") { await world.snapshot?.claimsHeldBack == 1 }
      let first = try #require(world.volumesSetAside.first)
      await world.eventually("its claim is created again") { !world.setAsideAndConcluded.isEmpty }
      world.server.edit(PersistentVolume.resource, first.metadata.key) {
        $0[["metadata", "annotations", ClusterNames.nodeLossAnnotation]] = nil
      }
      await world.eventually("the other follows") { world.isSettled }
      #expect(world.volumesSetAside.map(\.metadata.name) != [first.metadata.name])
    }
  }

  // MARK: All at once

  @Test(
    "with lost and late answers, watches that fall behind, nodes that come and go and leaders that are killed, no more PVs are set aside than allowed, only deleted volumes are removed, and in the end every pod runs",
    arguments: 0..<8)
  func disturbed(seed: UInt64) async throws {
    var faults = Faults(seed: seed)
    (faults.lostBefore, faults.lostAfter, faults.unreachable) = (15, 15, 20)
    (faults.tooMany, faults.failing, faults.brokenWatch) = (20, 20, 20)
    // A new leader does not know what the former one has sent. Only after the grace time has it certainly arrived.
    if seed % 2 == 0 { faults.late = 15 }
    let nodes = ["a", "b", "c", "d"]
    try await World.with(nodes: nodes + ["z"], limit: 4, faults: faults) { world in
      await world.add(nodes.flatMap { node in Self.sets(["set-\(node)-1", "set-\(node)-2"], on: node) })
      var dice = Dice(seed: seed)
      var volumes: Set<String> = []
      for _ in 0..<120 {
        let node = dice.pick(nodes)
        switch dice.next() % 10 {
        case 0, 1: try await world.removeNode(node)
        case 2: if world.isMissing(node) { try await world.addNode(node) }
        case 3: world.server.holdWatches()
        case 4, 5: world.server.showWatches()
        case 6: if seed % 2 == 1, dice.once(in: 3) { await world.changeLeader() }
        case 7:
          guard let volume = world.setAsideAndConcluded.first else { break }
          try await world.deleteVolume(volume.metadata.name)
          volumes.remove(volume.metadata.name)
        default: try await Task.sleep(for: .milliseconds(Int(dice.next() % 60)))
        }
        await world.actAsKubernetes()
        volumes.formUnion(
          world.server.objects(PersistentVolume.self).filter { !$0.metadata.isBeingDeleted }.map(\.metadata.name))
        #expect(world.volumesSetAside.count <= 4, "seed \(seed)")
      }
      world.server.endDisturbances()
      for node in nodes where world.isMissing(node) { try await world.addNode(node) }
      await world.eventually("every pod runs, seed \(seed)") { world.isSettled }
      let left = Set(world.server.objects(PersistentVolume.self).map(\.metadata.name))
      #expect(volumes.subtracting(left).isEmpty, "seed \(seed)")
      #expect(world.wire.mostSetAside > 0, "seed \(seed): a test in which no node is lost shows nothing")
    }
  }
}

/// A value that a test's other tasks set.
private final class Box<Value: Sendable>: Sendable {
  private let content = Mutex<Value?>(nil)

  var value: Value? { content.withLock { $0 } }
  func set(_ new: Value?) { content.withLock { $0 = new } }
}
