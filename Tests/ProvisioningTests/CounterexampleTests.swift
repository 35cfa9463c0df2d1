import Controllers
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@testable import Provisioning
@testable import StorageLedger

/// Defects that `GeneratedViewsTests`, or reading for it, has found, one by one. With the first three, 8 GiB of a
/// node's 10 GiB stayed booked for no PV.
@Suite("Views of a cluster that once lost free space, or gave it twice")
struct CounterexampleTests {
  private let cluster = ClaimWorld()

  init() { cluster.addNode("a", hostname: "host-a") }

  private func view() async -> DisturbedView {
    let storages = ["a", "renamed"].map { ($0, storage($0, gibibytes: 10)) }
    return await DisturbedView(of: cluster, time: FastTime(), nodes: Dictionary(uniqueKeysWithValues: storages))
  }

  private func becomes(
    _ isTrue: (ClaimTruth) -> Bool, meanwhile: () async -> Void = {}
  ) async -> Bool {
    for _ in 0..<1000 {
      if cluster.look({ isTrue($0) }) { return true }
      await meanwhile()
      try? await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  private func isBound(_ uid: String, meanwhile: () async -> Void = {}) async -> Bool {
    await becomes(
      { state in state.claims.values.contains { $0.metadata.uid == uid && $0.phase == "Bound" } }, meanwhile: meanwhile)
  }

  @Test("a node that is renamed keeps its free space if a list shows its new name before the old one is gone")
  func renamed() async {
    let view = await view()
    cluster.removeNode("a")
    cluster.addNode("renamed", hostname: "host-a")
    await view.listAll()
    cluster.add(Samples.claim("claim", gibibytes: 8, node: "renamed"))
    await view.watch(1)
    #expect(await isBound("uid-of-claim"))
    await view.end()
  }

  /// Shows a claim whose PV never arrives at the API server, however often it is written.
  private func lostClaim(shownBy view: DisturbedView) async -> PersistentVolumeClaim {
    let claim = Samples.claim("claim", gibibytes: 8)
    let volume = Samples.volume(of: "claim")
    cluster.loseCreations(of: volume)
    cluster.add(claim)
    await view.watch(1)
    #expect(await eventually { cluster.disturbedCreations > 0 })
    return claim
  }

  @Test("a claim of the same name gets the space that was reserved for the former one, whose end only a list shows")
  func recreated() async {
    let view = await view()
    let first = await lostClaim(shownBy: view)
    cluster.removeClaim(first.metadata.key)
    var second = first
    second.metadata.uid = "second"
    cluster.add(second)
    await view.listAll()
    let wasBound = await isBound("second") { await schedule(second.metadata.key, view) }
    #expect(wasBound)
    await view.end()
  }

  @Test("a claim whose node went while its PV was being written keeps no space there after it is scheduled again")
  func rescheduled() async {
    let view = await view()
    _ = await lostClaim(shownBy: view)
    cluster.removeNode("a")
    await view.watch(1)
    #expect(await becomes { state in state.claims.values.allSatisfy { $0.selectedNode == nil } })
    cluster.addNode("a", hostname: "host-a")
    await view.listAll()
    let other = Samples.claim("other", gibibytes: 8)
    cluster.add(other)
    let wasBound = await isBound("uid-of-other") { await schedule(other.metadata.key, view) }
    #expect(wasBound)
    await view.end()
  }

  /// Acts as the scheduler while the space is reserved.
  private func schedule(_ claim: ObjectKey, _ view: DisturbedView) async {
    cluster.edit(claim) { $0.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = "a" }
    await view.watch(1_000)
  }

  @Test(
    "a PV whose create got no answer keeps its space until a read decides: if the next attempt is refused, if the PV does not exist yet, and if the claim is gone",
    arguments: [Faults.Fate.lostAfter, .lateBehindMiss], [true, false])
  func lostAnswer(fate: Faults.Fate, isWanted: Bool) async throws {
    let view = await view()
    cluster.disturbCreations([fate], then: .rejected)
    let claim = Samples.claim("claim", gibibytes: 8)
    cluster.add(claim)
    await view.watch(1)
    #expect(await eventually { cluster.disturbedCreations > 0 })
    if !isWanted { await view.provisioner.claim(claim.metadata.key, nil) }
    // From here on, nothing is shown.
    for _ in 0..<1000 {
      // Only an answer to a read says it.
      let isAsked = cluster.server.requests.contains("GET /api/v1/persistentvolumes/\(Samples.volume(of: "claim"))")
      let isKnown = await view.allocator.doubts.isEmpty && isAsked && !cluster.look { $0.volumes.isEmpty }
      #expect(await view.allocator.ledger.freeSpace(on: "host-a", at: .init()) == .gibibytes(2))
      if isKnown { break }
      try? await Task.sleep(for: .milliseconds(1))
    }
    #expect(await view.allocator.doubts.isEmpty)
    #expect(cluster.look { $0.volumes.count } == 1)
    await view.end()
  }

  @Test("a claim whose PV goes before it is bound gets another")
  func goneBeforeBound() async throws {
    let view = await view()
    let claim = Samples.claim("claim", gibibytes: 8)
    let volume = Samples.volume(of: "claim")
    await view.provisioner.claim(claim.metadata.key, claim)
    #expect(await becomes { $0.creations[volume] == 1 })
    // It has the answer.
    #expect(await eventually { view.provisioner.keys.running == 0 })
    await view.watch(1_000)
    cluster.delete(volume: volume)
    cluster.edit(volume: volume) { $0.metadata.finalizers = [] }
    await view.watch(1_000)
    #expect(await becomes { $0.creations[volume] == 2 })
    await view.end()
  }

  @Test("a node's space counts once if its report is shown before the node and its hostname is not its name")
  func storageBeforeNode() async throws {
    let writes = cluster.writes(time: FastTime())
    let allocator = Allocator(writes: writes, time: FastTime())
    let provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: .unused, configuration: .init(), time: FastTime(), log: { _ in })
    await provisioner.storage(of: "a", storage("a", gibibytes: 10))
    await provisioner.node("a", cluster.look { $0.nodes["a"]?.metadata.labels })
    #expect(await allocator.ledger.reportingNodes == ["host-a"])
  }
}
