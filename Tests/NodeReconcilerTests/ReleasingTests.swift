import Synchronization
import StorageLedger
import NodeService
import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("Volumes of PVs that go")
struct ReleasingTests {
  /// A bench with a volume that its PV has been made for.
  private static func made() async throws -> (bench: Bench, reconciler: NodeReconciler) {
    let bench = try Bench()
    _ = try await bench.keeper.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    return (bench, bench.reconciler())
  }

  @Test("with Delete the volume is removed first, then the finalizer lifted")
  func deleted() async throws {
    let (bench, reconciler) = try await Self.made()
    await bench.process(bench.writes.put(Bench.dying()), with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.look { $0.volumes.isEmpty })
    #expect(bench.writes.look { $0.requests } == ["get \(Bench.name)", "lift \(Bench.name)"])
  }

  @Test("a PV whose volume was never made, or is gone already, may go")
  func nothingThere() async throws {
    let bench = try Bench()
    await bench.process(bench.writes.put(Bench.dying()), with: bench.reconciler())
    #expect(bench.writes.look { $0.volumes.isEmpty })
  }

  @Test(
    "with Retain, without a claim, or not provisioned by us, the volume is kept, and counted before the PV goes",
    arguments: ["Retain", "", "no claim", "by hand"])
  func kept(how: String) async throws {
    let (bench, reconciler) = try await Self.made()
    let volume = Bench.dying { volume in
      switch how {
      case "no claim": volume.claim = nil
      case "by hand": volume.metadata.annotations = [:]
      default: volume.reclaimPolicy = how
      }
    }
    await bench.process(bench.writes.put(volume), with: reconciler)
    #expect(bench.stored()?.marks?.isRetained == true)
    #expect(bench.writes.look { $0.volumes.isEmpty })
  }

  @Test("a retained volume is published as taken before its PV's own booking ends")
  func countedFirst() async throws {
    let (bench, reconciler) = try await Self.made()
    await bench.process(bench.writes.put(Bench.dying { $0.reclaimPolicy = "Retain" }), with: reconciler)
    let requests = bench.writes.look { $0.requests }
    let published = try #require(requests.firstIndex(of: "publish storage"))
    #expect(published < (try #require(requests.firstIndex(of: "lift \(Bench.name)"))))
  }

  @Test(
    "nothing happens while a claim has it, or may have it, or without our finalizer",
    arguments: ["Bound", "kubernetes.io/pv-protection", "no finalizer", "not going"])
  func waits(why: String) async throws {
    let (bench, reconciler) = try await Self.made()
    let volume = Bench.dying { volume in
      switch why {
      case "Bound": volume.phase = why
      case "no finalizer": volume.metadata.finalizers = ["x"]
      case "not going": volume.metadata.deletionTimestamp = nil
      default: volume.metadata.finalizers.append(why)
      }
    }
    await bench.process(bench.writes.put(volume), with: reconciler)
    #expect(bench.stored()?.marks?.isRetained == false)
    #expect(bench.writes.look { $0.requests } == [])
  }

  @Test(
    "an old picture removes nothing: the PV is read again, and bound, made anew, kept or pinned elsewhere meanwhile counts",
    arguments: ["Bound", "another UID", "Retain", "another node", "not going", "gone"])
  func stale(change: String) async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying())
    bench.writes.look { state in
      switch change {
      case "Bound": state.volumes[Bench.name]?.phase = "Bound"
      case "another UID": state.volumes[Bench.name]?.metadata.uid = "another"
      case "Retain": state.volumes[Bench.name]?.reclaimPolicy = "Retain"
      case "another node":
        state.volumes[Bench.name]?.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"])
      case "not going": state.volumes[Bench.name]?.metadata.deletionTimestamp = nil
      default: state.volumes[Bench.name] = nil
      }
    }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() != nil)
  }

  @Test("another claim's volume of that name is kept, and so is its PV's finalizer")
  func anotherClaim() async throws {
    let (bench, reconciler) = try await Self.made()
    let volume = Bench.dying { $0.claim?.uid = "11111111-2222-3333-4444-555555555555" }
    let ending = await bench.process(bench.writes.put(volume), with: reconciler)
    guard case .failed = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(bench.stored() != nil)
    #expect(bench.writes.look { $0.volumes[Bench.name]?.metadata.finalizers } == [ClusterNames.finalizer])
    #expect(bench.writes.look { $0.notes.map(\.reason) } == ["VolumeProtected"])
  }

  @Test("a retained mark holds against Delete, with the way to clear it")
  func retained() async throws {
    let (bench, reconciler) = try await Self.made()
    try await bench.keeper.retain(try VolumeName(Bench.name))
    await bench.process(bench.writes.put(Bench.dying()), with: reconciler)
    #expect(bench.stored() != nil)
    #expect(bench.writes.look { $0.notes.first?.message.contains("elastic-local-node unretain") } == true)
  }

  @Test("a mounted volume waits, quietly at first, and goes when it is unmounted")
  func mounted() async throws {
    let (bench, reconciler) = try await Self.made()
    let device = try #require(bench.world.state.withLock { $0.deviceNumbers["/dev/simulated/\(Bench.name)"] })
    bench.world.state.withLock { state in
      state.mounts = [
        MountEntry(
          id: 1, parentID: 0, device: device, root: "/", mountPoint: "/var/lib/kubelet/pods/x/volumes/y/z",
          options: ["rw"], fileSystemType: "ext4", source: "/dev/simulated/\(Bench.name)")
      ]
    }
    let seen = bench.writes.put(Bench.dying())
    let ending = await bench.process(seen, with: reconciler)
    guard case .failed = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(bench.stored() != nil)
    #expect(bench.writes.look { $0.notes.isEmpty })
    bench.world.state.withLock { $0.mounts = [] }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.look { $0.volumes.isEmpty })
  }

  @Test("with the API server away nothing is removed, and later it is")
  func serverAway() async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying())
    bench.writes.look { $0.isDown = true }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() != nil)
    bench.writes.look { $0.isDown = false }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() == nil)
  }
}
