import Synchronization
import StorageLedger
import NodeService
import Controllers
import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("Volumes of PVs that are being deleted")
struct RemovingTests {
  /// A bench with a volume that its PV has been made for.
  private static func made() async throws -> (bench: Bench, reconciler: NodeReconciler) {
    let bench = try Bench()
    _ = try await bench.earlier.prepare(try VolumeName(Bench.name), ["sizeBytes": "1073741824"])
    return (bench, bench.reconciler())
  }

  @Test("with Delete the volume is removed first, then the finalizer lifted")
  func deleted() async throws {
    let (bench, reconciler) = try await Self.made()
    await bench.process(bench.writes.put(Bench.dying()), with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.volumes.isEmpty)
    #expect(bench.writes.requests == ["get \(Bench.name)", "get \(Bench.name)", "publish storage"])
    #expect(bench.writes.reports.map(\.state) == [.removed])
  }

  @Test("a PV whose volume was never created, or is gone already, is deleted")
  func nothingThere() async throws {
    let bench = try Bench()
    await bench.process(bench.writes.put(Bench.dying()), with: bench.reconciler())
    #expect(bench.writes.volumes.isEmpty)
  }

  @Test(
    "with Retain, without a claim, or not provisioned by us, the volume is retained, and counted before the PV is gone",
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
    #expect(bench.writes.volumes.isEmpty)
  }

  @Test("a retained volume is reported as reserved in the same write that frees its PV")
  func countedFirst() async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying { $0.reclaimPolicy = "Retain" })
    await reconciler.volume(seen.metadata.name, seen)
    _ = await reconciler.reportNow()
    #expect(bench.writes.storage?.classes.map(\.reservedBytes) == [0], "its PV books it")
    _ = await reconciler.process(volume: seen.metadata.name)
    #expect(bench.writes.reports.map(\.state) == [.kept])
    #expect(bench.writes.storage?.classes.map(\.reservedBytes) == [1 << 30])
    #expect(bench.writes.requests == ["publish storage", "get \(Bench.name)", "publish storage"])
  }

  @Test("a recorded volume is removed whatever claim it was created for, because claims can change during its life")
  func anotherClaimSince() async throws {
    let (bench, reconciler) = try await Self.made()
    let instance = try #require(bench.stored()?.instance)
    let volume = Bench.dying { volume in
      volume.claim = ObjectReference(
        namespace: "elsewhere", name: "adopted", uid: "11111111-2222-3333-4444-555555555555")
      volume.metadata.annotations[ClusterNames.instanceAnnotation] = instance
      volume.metadata.annotations[ClusterNames.removalAnnotation] = instance
    }
    await bench.process(bench.writes.put(volume), with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.volumes.isEmpty)
  }

  @Test("a PV that records another instance removes nothing, though claim and name match")
  func anotherInstance() async throws {
    let (bench, reconciler) = try await Self.made()
    let volume = Bench.dying { volume in
      volume.metadata.annotations[ClusterNames.instanceAnnotation] = "another"
      volume.metadata.annotations[ClusterNames.removalAnnotation] = "another"
    }
    await bench.process(bench.writes.put(volume), with: reconciler)
    #expect(bench.stored() != nil)
    #expect(bench.writes.volumes[Bench.name]?.metadata.finalizers == [ClusterNames.finalizer])
    #expect(bench.writes.events.map(\.reason) == ["VolumeProtected"])
  }

  @Test(
    "nothing is removed before the provisioner, which alone sees all claims, has agreed to exactly this volume",
    arguments: [nil, "another"])
  func notAgreed(word: String?) async throws {
    let (bench, reconciler) = try await Self.made()
    let instance = try #require(bench.stored()?.instance)
    let volume = Bench.dying { volume in
      volume.metadata.annotations[ClusterNames.instanceAnnotation] = instance
      volume.metadata.annotations[ClusterNames.removalAnnotation] = word
    }
    await bench.process(bench.writes.put(volume), with: reconciler)
    #expect(bench.stored() != nil)
    #expect(bench.writes.volumes.count == 1)
  }

  @Test("a PV that is created again while the removal waits keeps the volume, because the PV is read again last")
  func madeAnewWhileWaiting() async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying())
    // The second look is the one before the removal.
    bench.writes.beforeLook { [writes = bench.writes] count in
      if count == 2 { writes.alter(Bench.name) { $0.metadata.uid = "anew" } }
    }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() != nil)
  }

  @Test("a removal that the engine begins too late is not done")
  func tooLate() async throws {
    let (bench, _) = try await Self.made()
    let volume = try #require(bench.stored())
    let refusal = try await #require(throws: VolumeError.self) {
      _ = try await bench.context.engine.remove(volume, notAfter: MonotonicClock.now() - .seconds(1))
    }
    #expect(refusal.code == .unavailable)
    #expect(bench.stored() != nil)
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
    #expect(bench.writes.requests == ["publish storage"])
    #expect(bench.writes.reports.allSatisfy { $0.state == .created })
  }

  @Test(
    "an outdated event removes nothing: the PV is read again, and one that was bound, created again, retained or pinned elsewhere meanwhile stays",
    arguments: ["Bound", "another UID", "Retain", "another node", "not going", "gone"])
  func stale(change: String) async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying())
    bench.writes.alter(Bench.name) { volume in
      switch change {
      case "Bound": volume.phase = "Bound"
      case "another UID": volume.metadata.uid = "another"
      case "Retain": volume.reclaimPolicy = "Retain"
      case "another node": volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"])
      case "not going": volume.metadata.deletionTimestamp = nil
      default: break
      }
    }
    if change == "gone" { bench.writes.forget(Bench.name) }
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
    #expect(bench.writes.volumes[Bench.name]?.metadata.finalizers == [ClusterNames.finalizer])
    #expect(bench.writes.events.map(\.reason) == ["VolumeProtected"])
  }

  @Test("a retained mark prevents removal, and the Event says how to clear it")
  func retained() async throws {
    let (bench, reconciler) = try await Self.made()
    try await bench.service.setRetained(try VolumeName(Bench.name), true)
    await bench.process(bench.writes.put(Bench.dying()), with: reconciler)
    #expect(bench.stored() != nil)
    #expect(bench.writes.events.first?.message.contains("elastic-local-node unretain") == true)
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
    #expect(bench.writes.events.isEmpty)
    bench.world.state.withLock { $0.mounts = [] }
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() == nil)
    #expect(bench.writes.volumes.isEmpty)
  }

  @Test("during an outage of the API server nothing is removed, and afterwards the volume is")
  func serverAway() async throws {
    let (bench, reconciler) = try await Self.made()
    let seen = bench.writes.put(Bench.dying())
    bench.writes.isDown()
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() != nil)
    bench.writes.isDown(false)
    await bench.process(seen, with: reconciler)
    #expect(bench.stored() == nil)
  }
}
