import Synchronization
import Telemetry
import StorageLedger
import NodeService
import LogicalVolumes
import LinuxSystem
import Controllers
import KubernetesAPI
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("Volumes created before kubelet asks")
struct PreparingTests {
  @Test(
    "the volume of a PV of this node is created and formatted at once, after one read of the PV, and reported in one write"
  )
  func made() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    #expect(bench.stored()?.size == .gibibytes(1))
    #expect(bench.formats() == 1)
    #expect(bench.writes.requests == ["get \(Bench.name)", "publish storage"])
    let marked = try #require(bench.writes.volumes[Bench.name])
    #expect(marked.instance == bench.stored()?.instance)
    await bench.process(marked, with: reconciler)
    #expect(bench.writes.requests.count == 2, "nothing is left to do")
  }

  @Test("a watch that is behind shows a PV without its instance: it is not reported again, and one that was removed is")
  func watchBehind() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    let seen = bench.writes.put(Bench.volume())
    await bench.process(seen, with: reconciler)
    let marked = try #require(bench.writes.volumes[Bench.name])
    for shown in [seen, seen, marked] { await bench.process(shown, with: reconciler) }
    #expect(bench.writes.requests == ["get \(Bench.name)", "publish storage"])
    #expect(bench.knowledge.instance(createdFor: try VolumeName(Bench.name)) == marked.instance)
    // Somebody has taken the annotation off.
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    #expect(bench.writes.volumes[Bench.name]?.instance == marked.instance)
  }

  @Test("what was reported and is not recorded yet counts after a restart of the daemon: no second volume is created")
  func restarted() async throws {
    let bench = try Bench()
    bench.writes.hasProvisioner(false)
    await bench.process(bench.writes.put(Bench.volume()), with: bench.reconciler())
    let said = bench.writes.reports
    #expect(said.map(\.state) == [.created])
    // The disk is exchanged while the daemon is away.
    bench.world.state.withLock { $0.volumes = [:] }
    let again = Knowledge(node: "node-1", patience: .tests)
    again.resume(said)
    let context = NodeContext(
      configuration: bench.context.configuration, engine: bench.context.engine, system: bench.context.system,
      cluster: again,
      log: .silent)
    let reconciler = NodeReconciler(
      service: VolumeService(context), writes: bench.writes, knowledge: again,
      configuration: .init(node: "node-1", hostname: "host-1", isThinByDefault: false), log: .silent)
    let refusal = try await #require(throws: VolumeError.self) {
      _ = try await VolumeService(context).prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    }
    #expect(refusal.code == .unsafe)
    await bench.process(try #require(bench.writes.volumes[Bench.name]), with: reconciler)
    #expect(bench.stored() == nil)
    #expect(await reconciler.lostVolumes == 1)
  }

  @Test("another PV of the same name is not marked with the volume that was made for the first")
  func replacedMeanwhile() async throws {
    let bench = try Bench()
    let seen = bench.writes.put(Bench.volume())
    bench.writes.put(Bench.volume { $0.metadata.uid = "another" })
    await bench.process(seen, with: bench.reconciler())
    #expect(bench.writes.volumes[Bench.name]?.instance == nil)
  }

  @Test(
    "a PV of others, of another node, not provisioned by us, not pinned, released or being deleted gets no volume",
    arguments: ["driver", "affinity", "provisioner", "unpinned", "Released", "Failed", "going"])
  func notMade(what: String) async throws {
    let bench = try Bench()
    let volume = Bench.volume { volume in
      switch what {
      case "driver": volume.flexVolume?.driver = "other/driver"
      case "affinity": volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"])
      case "provisioner": volume.metadata.annotations = [:]
      case "unpinned": volume.nodeAffinity = nil
      case "going": volume.metadata.deletionTimestamp = .init(seconds: 1, nanoseconds: 0)
      default: volume.phase = what
      }
    }
    await bench.process(bench.writes.put(volume), with: bench.reconciler())
    #expect(bench.stored() == nil)
    #expect(bench.writes.requests == ["publish storage"])
  }

  @Test(
    "a volume that was created and is gone is not created again, neither before nor by a pod's mount, and an Event says so"
  )
  func lost() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    let marked = try #require(bench.writes.volumes[Bench.name])
    bench.world.state.withLock { $0.volumes = [:] }
    await bench.process(marked, with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.events.map(\.reason) == ["VolumeLost", "VolumeLost"])
    #expect(bench.writes.events.map(\.object) == [Bench.name, "data"])
    let refusal = try await #require(throws: VolumeError.self) {
      try await bench.service.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    }
    #expect(refusal.code == .unsafe)
    #expect(refusal.message.contains("node node-1 does not have it any more"))
    #expect(await reconciler.lostVolumes == 1)
  }

  @Test("a volume that kubelet's mount has created first is reported, not created twice")
  func kubeletFirst() async throws {
    let bench = try Bench()
    let instance = try await bench.earlier.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    await bench.process(bench.writes.put(Bench.volume()), with: bench.reconciler())
    #expect(bench.formats() == 1)
    #expect(bench.writes.volumes[Bench.name]?.instance == instance)
  }

  @Test("without free space Events on PV and claim say so, nothing stays behind, and the creation is retried")
  func noRoom() async throws {
    let bench = try Bench(gibibytes: 1)
    let ending = await bench.process(
      bench.writes.put(Bench.volume(gibibytes: 2)), with: bench.reconciler())
    guard case .failed = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(bench.stored() == nil)
    #expect(bench.writes.events.map(\.object) == [Bench.name, "data"])
    #expect(bench.writes.events.allSatisfy { $0.message.contains("missing") })
  }

  @Test("during an outage of the API server nothing is created, and a volume that is there is reported later")
  func serverAway() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    let volume = bench.writes.put(Bench.volume())
    bench.writes.isDown()
    await bench.process(volume, with: reconciler)
    #expect(bench.stored() == nil)
    _ = try await bench.earlier.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    await bench.process(volume, with: reconciler)
    bench.writes.isDown(false)
    await bench.process(volume, with: reconciler)
    #expect(bench.formats() == 1)
    #expect(bench.writes.volumes[Bench.name]?.instance == bench.stored()?.instance)
  }
}
