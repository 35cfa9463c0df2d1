import Synchronization
import StorageLedger
import NodeService
import LinuxSystem
import KubernetesAPI
import LogicalVolumes
import StorageModel
import Testing

@testable import NodeReconciler

@Suite("What a node publishes")
struct PublishingTests {
  private static func storageClass(_ name: String, _ parameters: StringMap = [:]) -> StorageClass {
    var result = StorageClass(metadata: ObjectMeta(name: name))
    result.provisioner = ClusterNames.provisioner
    result.parameters = parameters
    return result
  }

  @Test(
    "room is what no PV and nobody else has: volumes that are made and those that are not, orphans, what is beyond a PV's size"
  )
  func room() async throws {
    let bench = try Bench(gibibytes: 20)
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    await reconciler.storageClass("fast", Self.storageClass("fast", ["volumeGroup": "nowhere"]))
    await bench.process(bench.writes.put(Bench.volume(gibibytes: 2)), with: reconciler)
    _ = try await bench.keeper.prepare(try VolumeName("orphan"), ["sizeBytes": "\(ByteCount.gibibytes(3).bytes)"])
    // Not made yet.
    let later = "pvc-11111111-2222-3333-4444-555555555555"
    await reconciler.volume(later, Bench.volume(later, gibibytes: 4))
    _ = await reconciler.publish()
    let storage = try #require(bench.writes.look { $0.storage })
    #expect(storage.node == "node-1")
    #expect(storage.defaultGroup == "simulated-vg")
    #expect(storage.pools.map(\.sizeBytes) == [20 << 30])
    #expect(storage.pools.map(\.reservedBytes) == [3 << 30], "the orphan")
    #expect(bench.writes.look { $0.rooms } == ["elastic-local": .gibibytes(11), "fast": .zero])
    // The volume has grown beyond its PV.
    let volume = try #require(bench.stored())
    _ = try await bench.context.engine.extend(volume, to: .gibibytes(3))
    time.advance(by: .seconds(60))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["elastic-local"] } == .gibibytes(10))
  }

  @Test(
    "while the group cannot be used nothing is free, whatever cannot be looked up in it, and afterwards all is again")
  func unusable() async throws {
    let bench = try Bench(gibibytes: 20)
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    await bench.process(bench.writes.put(Bench.volume(gibibytes: 2)), with: reconciler)
    let later = "pvc-11111111-2222-3333-4444-555555555555"
    await reconciler.volume(later, Bench.volume(later, gibibytes: 4))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms } == ["elastic-local": .gibibytes(14)])
    for trouble in [GroupTrouble(.incomplete, "a disk is away"), nil] {
      bench.world.state.withLock { $0.trouble = trouble }
      time.advance(by: .seconds(60))
      _ = await reconciler.publish()
      let storage = try #require(bench.writes.look { $0.storage })
      let room: ByteCount = trouble == nil ? .gibibytes(14) : .zero
      #expect(bench.writes.look { $0.rooms } == ["elastic-local": room])
      #expect(storage.defaultGroup == "simulated-vg")
      #expect(storage.pools.map(\.sizeBytes) == [20 << 30])
    }
  }

  @Test("nothing is written when nothing has changed, and what could not be written is written later")
  func quiet() async throws {
    let bench = try Bench()
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    bench.writes.look { $0.isDown = true }
    _ = await reconciler.publish()
    bench.writes.look { $0.isDown = false }
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms } == ["elastic-local": .gibibytes(10)])
    let count = bench.writes.look { $0.requests.count }
    for _ in 0..<2 {
      time.advance(by: .seconds(60))
      _ = await reconciler.publish()
    }
    #expect(bench.writes.look { $0.requests.count } == count)
    await reconciler.storageClass("elastic-local", nil)
    time.advance(by: .seconds(60))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms.isEmpty })
  }

  @Test("many PVs at once cost a publication each five seconds; the first counts at once, the last is not forgotten")
  func burst() async throws {
    let bench = try Bench(gibibytes: 30)
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    _ = await reconciler.publish()
    time.advance(by: .seconds(60))
    var rooms: [ByteCount?] = []
    for number in 0..<20 {
      let name = "pvc-\(number)"
      await reconciler.volume(name, Bench.volume(name))
      let ending = await reconciler.publish()
      rooms.append(bench.writes.look { $0.rooms["elastic-local"] })
      if case .again(let wait) = ending, number % 10 != 0 { #expect(wait <= .seconds(5), "it is looked at again") }
      time.advance(by: .milliseconds(500))
    }
    #expect(rooms == Array(repeating: .gibibytes(29), count: 10) + Array(repeating: .gibibytes(19), count: 10))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["elastic-local"] } == .gibibytes(10))
    #expect(bench.writes.look { $0.requests.count { $0 == "publish elastic-local" } } == 4)
  }

  @Test("more room, and a new class, are published at once: pods wait for them")
  func more() async throws {
    let bench = try Bench(gibibytes: 30)
    let reconciler = bench.reconciler(time: ManualTime())
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    await reconciler.volume("pvc-0", Bench.volume("pvc-0"))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["elastic-local"] } == .gibibytes(29))
    await reconciler.volume("pvc-1", Bench.volume("pvc-1"))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["elastic-local"] } == .gibibytes(29), "less room waits")
    await reconciler.volume("pvc-1", nil)
    await reconciler.volume("pvc-0", nil)
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["elastic-local"] } == .gibibytes(30))
    await reconciler.storageClass("new", Self.storageClass("new"))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["new"] } == .gibibytes(30))
    await reconciler.storageClass("new", nil)
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.rooms["new"] } == nil)
  }

  @Test("what somebody has removed from the API server is there again after ten minutes")
  func refreshed() async throws {
    let bench = try Bench()
    let time = ManualTime()
    let reconciler = bench.reconciler(time: time)
    await reconciler.storageClass("elastic-local", Self.storageClass("elastic-local"))
    _ = await reconciler.publish()
    bench.writes.look { state in
      state.storage = nil
      state.rooms = [:]
    }
    time.advance(by: .seconds(599))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.storage } == nil)
    time.advance(by: .seconds(1))
    _ = await reconciler.publish()
    #expect(bench.writes.look { $0.storage } != nil)
    #expect(bench.writes.look { $0.rooms } == ["elastic-local": .gibibytes(10)])
  }

  @Test("a volume without a PV is reported once and never removed; one whose PV lost its label is no orphan")
  func orphans() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    #expect(bench.knowledge.orphans == nil)
    for name in ["orphan", Bench.name] {
      _ = try await bench.keeper.prepare(try VolumeName(name), ["sizeBytes": "1048576"])
    }
    bench.writes.put(Bench.volume { $0.metadata.labels = [:] })
    _ = await reconciler.lookForOrphans()
    _ = await reconciler.lookForOrphans()
    #expect(bench.knowledge.orphans?.map(\.text) == ["orphan"])
    #expect(bench.writes.look { $0.notes.map(\.reason) } == ["OrphanedVolume"])
    #expect(bench.stored("orphan") != nil)
    bench.writes.look { $0.isDown = true }
    _ = await reconciler.lookForOrphans()
    #expect(bench.knowledge.orphans?.map(\.text) == ["orphan"], "an error is not an answer")
  }
}
