import Synchronization
import StorageLedger
import NodeService
import LogicalVolumes
import LinuxSystem
import KubernetesAPI
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("Volumes made ahead of kubelet")
struct PreparingTests {
  @Test("a PV of this node is made and formatted at once, and marked with one patch")
  func made() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    #expect(bench.stored()?.size == .gibibytes(1))
    #expect(bench.formats() == 1)
    #expect(bench.writes.look { $0.requests } == ["note \(Bench.name)"])
    let marked = try #require(bench.writes.look { $0.volumes[Bench.name] })
    #expect(marked.instance == bench.stored()?.instance)
    await bench.process(marked, with: reconciler)
    #expect(bench.writes.look { $0.requests.count } == 1, "nothing is left to do")
  }

  @Test("Kubernetes writes to a fresh PV while its volume is made: it is marked all the same, with one patch")
  func changedMeanwhile() async throws {
    let bench = try Bench()
    let seen = bench.writes.put(Bench.volume { $0.phase = "Pending" })
    bench.writes.put(Bench.volume())
    await bench.process(seen, with: bench.reconciler())
    #expect(bench.writes.look { $0.requests } == ["note \(Bench.name)"])
    #expect(bench.writes.look { $0.volumes[Bench.name]?.instance } == bench.stored()?.instance)
  }

  @Test("a watch that is behind shows a PV without its mark: it is not marked again, and a mark that was removed is")
  func watchBehind() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    let seen = bench.writes.put(Bench.volume())
    await bench.process(seen, with: reconciler)
    let marked = try #require(bench.writes.look { $0.volumes[Bench.name] })
    for shown in [seen, seen, marked] { await bench.process(shown, with: reconciler) }
    #expect(bench.writes.look { $0.requests } == ["note \(Bench.name)"])
    #expect(bench.knowledge.instance(madeFor: try VolumeName(Bench.name)) == marked.instance)
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    #expect(bench.writes.look { $0.requests.count } == 2)
  }

  @Test("another PV of the same name is not marked with the volume that was made for the first")
  func replacedMeanwhile() async throws {
    let bench = try Bench()
    let seen = bench.writes.put(Bench.volume())
    bench.writes.put(Bench.volume { $0.metadata.uid = "another" })
    await bench.process(seen, with: bench.reconciler())
    #expect(bench.writes.look { $0.volumes[Bench.name]?.instance } == nil)
  }

  @Test(
    "a PV of others, of another node, not provisioned by us, not pinned, released or going is not made",
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
    #expect(bench.writes.look { $0.requests } == [])
  }

  @Test("a volume that was made and is gone is not made anew, neither ahead nor by a pod's mount, and it is said")
  func lost() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    let marked = try #require(bench.writes.look { $0.volumes[Bench.name] })
    bench.world.state.withLock { $0.volumes = [:] }
    await bench.process(marked, with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.look { $0.notes.map(\.reason) } == ["VolumeLost", "VolumeLost"])
    #expect(bench.writes.look { $0.notes.map(\.object) } == [Bench.name, "data"])
    let refusal = try await #require(throws: VolumeError.self) {
      try await bench.keeper.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    }
    #expect(refusal.code == .unsafe)
    #expect(refusal.message.contains("is not there any more"))
  }

  @Test("a volume that kubelet has made first is marked, not made twice")
  func kubeletFirst() async throws {
    let bench = try Bench()
    let instance = try await bench.keeper.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    await bench.process(bench.writes.put(Bench.volume()), with: bench.reconciler())
    #expect(bench.formats() == 1)
    #expect(bench.writes.look { $0.volumes[Bench.name]?.instance } == instance)
  }

  @Test("without room it is said on PV and claim, nothing stays behind, and it is tried again")
  func noRoom() async throws {
    let bench = try Bench(gibibytes: 1)
    let ending = await bench.process(
      bench.writes.put(Bench.volume(gibibytes: 2)), with: bench.reconciler())
    guard case .failed = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(bench.stored() == nil)
    #expect(bench.writes.look { $0.notes.map(\.object) } == [Bench.name, "data"])
    #expect(bench.writes.look { $0.notes.allSatisfy { $0.message.contains("missing") } })
  }

  @Test("while the API server is away the volume is made, and the mark is made up for later")
  func serverAway() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    let volume = bench.writes.put(Bench.volume())
    bench.writes.look { $0.isDown = true }
    await bench.process(volume, with: reconciler)
    #expect(bench.formats() == 1)
    bench.writes.look { $0.isDown = false }
    await bench.process(volume, with: reconciler)
    #expect(bench.formats() == 1)
    #expect(bench.writes.look { $0.volumes[Bench.name]?.instance } == bench.stored()?.instance)
  }
}
