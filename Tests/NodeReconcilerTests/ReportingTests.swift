import Synchronization
import StorageLedger
import NodeService
import LinuxSystem
import KubernetesAPI
import LogicalVolumes
import StorageModel
import TestSupport
import Testing

@testable import NodeReconciler

@Suite("The report of a node")
struct ReportingTests {
  @Test("reserved space is that of no PV: orphans, and space that a volume has beyond its PV's size")
  func reserved() async throws {
    let bench = try Bench(gibibytes: 20)
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume(gibibytes: 2)), with: reconciler)
    _ = try await bench.earlier.prepare(try VolumeName("orphan"), ["sizeBytes": "\(ByteCount.gibibytes(3).bytes)"])
    _ = await reconciler.report()
    let storage = try #require(bench.writes.storage)
    #expect(storage.node == "node-1")
    #expect(storage.defaultGroup == "simulated-vg")
    #expect(storage.classes.map(\.sizeBytes) == [20 << 30])
    #expect(storage.classes.map(\.reservedBytes) == [3 << 30], "the orphan")
    // The volume has grown beyond its PV.
    let volume = try #require(bench.stored())
    _ = try await bench.context.engine.extend(volume, to: .gibibytes(3))
    _ = await reconciler.report()
    #expect(bench.writes.storage?.classes.map(\.reservedBytes) == [4 << 30])
  }

  @Test(
    "a PV that requests more than the capacity takes no space of any class, by the provisioner's ledger",
    arguments: [
      (wanted: UInt64(5), freeSpace: UInt64(11)), (wanted: 900 << 10, freeSpace: 14), (wanted: 17, freeSpace: 14),
    ])
  func growth(wanted: UInt64, freeSpace: UInt64) async throws {
    let bench = try Bench(gibibytes: 20)
    let reconciler = bench.reconciler(time: ManualTime())
    await bench.process(bench.writes.put(Bench.volume(gibibytes: 2)), with: reconciler)
    let other = "pvc-11111111-2222-3333-4444-555555555555"
    let volumes = [
      Bench.volume(gibibytes: 2) { $0.capacity = Quantity(.gibibytes(wanted)) }, Bench.volume(other, gibibytes: 4),
    ]
    for volume in volumes { await bench.process(volume, with: reconciler) }
    _ = await reconciler.report()
    let storage = try #require(bench.writes.storage)
    #expect(storage.volumes == [Bench.name: .init(sizeBytes: 2 << 30, requestedBytes: wanted << 30)])
    #expect(Self.freeSpace(storage, volumes) == .gibibytes(freeSpace))
  }

  /// What the provisioner makes of it.
  private static func freeSpace(_ storage: NodeStorage?, _ volumes: [PersistentVolume]) -> ByteCount {
    var ledger = Ledger()
    ledger.setStorage(storage, of: "host-1")
    for volume in volumes {
      ledger.observe(volume.booking(on: "host-1"), of: volume.metadata.name, uid: volume.metadata.uid)
    }
    return ledger.freeSpace(on: "host-1", at: .init())
  }

  @Test("the size of a grown volume is reported, without space beyond its PV's size")
  func grown() async throws {
    let bench = try Bench(gibibytes: 20)
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await bench.process(bench.writes.put(Bench.volume(gibibytes: 2)), with: reconciler)
    _ = try await bench.context.engine.extend(try #require(bench.stored()), to: .gibibytes(6))
    let volume = Bench.volume(gibibytes: 2) { $0.capacity = Quantity(.gibibytes(5)) }
    await reconciler.volume(Bench.name, volume)
    _ = await reconciler.report()
    let storage = try #require(bench.writes.storage)
    #expect(storage.volumes == [Bench.name: .init(sizeBytes: 5 << 30, requestedBytes: 5 << 30)])
    #expect(storage.classes.map(\.reservedBytes) == [1 << 30])
    #expect(Self.freeSpace(storage, [volume]) == .gibibytes(14))
    // The growth is not wanted any more before the file system has followed.
    let lowered = Bench.volume(gibibytes: 2) { $0.capacity = Quantity(.gibibytes(3)) }
    await reconciler.volume(Bench.name, lowered)
    time.advance(by: .seconds(60))
    _ = await reconciler.report()
    #expect(Self.freeSpace(bench.writes.storage, [lowered]) == .gibibytes(14))
  }

  @Test(
    "while the group cannot be used it has no free space, even if volumes cannot be read, and afterwards it has again")
  func unusable() async throws {
    let bench = try Bench(gibibytes: 20)
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    let later = "pvc-11111111-2222-3333-4444-555555555555"
    let volumes = [bench.writes.put(Bench.volume(gibibytes: 2)), Bench.volume(later, gibibytes: 4)]
    await bench.process(volumes[0], with: reconciler)
    await reconciler.volume(later, volumes[1])
    _ = await reconciler.report()
    #expect(Self.freeSpace(bench.writes.storage, volumes) == .gibibytes(14))
    for trouble in [GroupTrouble(.incomplete, "a disk is away"), nil] {
      bench.world.state.withLock { $0.trouble = trouble }
      time.advance(by: .seconds(60))
      _ = await reconciler.report()
      let storage = try #require(bench.writes.storage)
      #expect(Self.freeSpace(storage, volumes) == (trouble == nil ? .gibibytes(14) : .zero))
      #expect(storage.defaultGroup == "simulated-vg")
      #expect(storage.classes.map(\.sizeBytes) == [20 << 30])
    }
  }

  @Test("nothing is written without a change, and a failed write is repeated later")
  func quiet() async throws {
    let bench = try Bench()
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    bench.writes.isDown()
    _ = await reconciler.report()
    #expect(bench.writes.storage == nil)
    bench.writes.isDown(false)
    _ = await reconciler.report()
    #expect(bench.writes.storage != nil)
    let count = bench.writes.requests.count
    for _ in 0..<2 {
      time.advance(by: .seconds(60))
      _ = await reconciler.report()
    }
    #expect(bench.writes.requests.count == count)
  }

  @Test("a report that was deleted from the API server is written again after ten minutes")
  func refreshed() async throws {
    let bench = try Bench()
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    _ = await reconciler.report()
    bench.writes.forgetStorage()
    time.advance(by: .seconds(599))
    _ = await reconciler.report()
    #expect(bench.writes.storage == nil)
    time.advance(by: .seconds(1))
    _ = await reconciler.report()
    #expect(bench.writes.storage != nil)
  }

  @Test("a volume without a PV is reported once and never removed; one whose PV lost its label is no orphan")
  func orphans() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    #expect(bench.knowledge.orphans == nil)
    for name in ["orphan", Bench.name] {
      _ = try await bench.earlier.prepare(try VolumeName(name), ["sizeBytes": "1048576"])
    }
    bench.writes.put(Bench.volume { $0.metadata.labels = [:] })
    _ = await reconciler.findOrphans()
    _ = await reconciler.findOrphans()
    #expect(bench.knowledge.orphans?.map(\.text) == ["orphan"])
    #expect(bench.writes.events.map(\.reason) == ["OrphanedVolume"])
    #expect(bench.stored("orphan") != nil)
    bench.writes.isDown()
    _ = await reconciler.findOrphans()
    #expect(bench.knowledge.orphans?.map(\.text) == ["orphan"], "an error is not an answer")
  }
}
