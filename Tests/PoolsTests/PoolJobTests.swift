import Controllers
import JSON
import KubernetesAPI
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Pools

/// Init jobs that fail or never end. Time is moved by the test.
@Suite("Init jobs", .timeLimit(.minutes(5)))
struct PoolJobTests {
  /// Moves time from alarm to alarm, but never beyond `limit`, while Kubernetes works.
  private func passes(
    _ world: PoolWorld, _ time: ManualTime, upTo limit: Duration, _ condition: () -> Bool
  ) async -> Bool {
    // What a write causes comes by a watch, so the provisioner has to have been idle for a while.
    var idleLooks = 0
    return await world.becomes {
      if condition() { return true }
      idleLooks = world.isIdle ? idleLooks + 1 : 0
      guard idleLooks >= 10 else { return false }
      idleLooks = 0
      _ = time.advanceToNextAlarm(upTo: limit)
      return false
    }
  }

  @Test("a failing job is said, its replica stays for a pause that doubles, and a success ends that")
  func backsOff() async throws {
    let time = ManualTime()
    let world = try await PoolWorld(time: time)
    let names = Mutex<[(name: String, at: Duration)]>([])
    world.setJobs { key in
      names.withLock { names in
        if !names.contains(where: { $0.name == key.name }) { names.append((key.name, time.now)) }
      }
      return .fails("BackoffLimitExceeded")
    }
    world.start()
    try await world.addPool(replicas: 1, ["initJob": [:]])
    #expect(
      await passes(world, time, upTo: .seconds(3600)) { names.withLock { $0.count } >= 6 }, "\(world.description)")
    try #require(names.withLock { $0.count } >= 6)
    let starts = names.withLock { $0.map { $0.at } }
    for (index, pause) in [10, 20, 40, 80, 160].enumerated() {
      #expect(starts[index + 1] - starts[index] >= .seconds(pause - 1), "\(starts)")
    }
    let settlement = world.pool()?.status.conditions[PoolCondition.settlement]
    #expect(settlement?.reason == PoolCondition.initJobFailed && settlement?.status == "Unknown")
    #expect(settlement?.message.contains("BackoffLimitExceeded") == true)
    #expect(await passes(world, time, upTo: .seconds(3600)) { world.events(.staleReplica).count >= 5 })
    #expect(world.replicas().count <= 2)
    world.setJobs { _ in .completes }
    #expect(await passes(world, time, upTo: .seconds(10_000)) { world.isSettled(at: 1) }, "\(world.description)")
    #expect(world.replicas().first?.metadata.annotations[PoolNames.attemptAnnotation] != nil)
    // The next one begins at the first attempt.
    let ready = try #require(world.replicas().first)
    try await world.remove(PersistentVolumeClaim.resource, ready.metadata.name)
    #expect(
      await passes(world, time, upTo: .seconds(20_000)) {
        world.isSettled(at: 1) && world.replicas().first?.metadata.uid != ready.metadata.uid
      })
    #expect(world.replicas().first?.metadata.annotations[PoolNames.attemptAnnotation] == nil)
    await world.end()
  }

  @Test("a new leader goes on with the pause where the former one was")
  func nextLeader() async throws {
    let time = ManualTime()
    let world = try await PoolWorld(time: time)
    world.setJobs { _ in .fails("DeadlineExceeded") }
    world.start()
    try await world.addPool(replicas: 1, ["initJob": [:]])
    #expect(
      await passes(world, time, upTo: .seconds(300)) {
        world.replicas().contains { $0.metadata.annotations[PoolNames.attemptAnnotation] == "3" }
      }, "\(world.description)")
    await world.stop()
    world.start()
    #expect(
      await passes(world, time, upTo: .seconds(600)) {
        world.replicas().contains { $0.metadata.annotations[PoolNames.attemptAnnotation] == "4" }
      }, "\(world.description)")
    await world.end()
  }

  @Test("one replica whose job never ends does not hold up the others, and nothing more is created beside it")
  func neverEnds() async throws {
    let world = try await PoolWorld()
    world.start()
    let stuck = Mutex<String?>(nil)
    world.setJobs { key in
      let first = stuck.withLock { stuck in
        stuck = stuck ?? key.name
        return stuck
      }
      return first == key.name ? .runs : .completes
    }
    try await world.addPool(replicas: 4, ["initJob": [:]])
    #expect(await world.becomes { world.pool()?.status.availableReplicas == 3 }, "\(world.description)")
    try await world.addCheckout("mine")
    #expect(await world.becomes { world.isAcquired("mine") && world.pool()?.status.availableReplicas == 3 })
    #expect(await world.becomes { world.pool()?.status.replicas == 4 && world.replicas().count == 4 })
    #expect(world.pool()?.status.conditions[PoolCondition.settlement]?.status == "Unknown")
    await world.end()
  }

  @Test("a replica whose name another Job has is not used and is replaced; the other Job stays as it is")
  func nameTaken() async throws {
    let time = ManualTime()
    let world = try await PoolWorld(time: time)
    world.setJobs { _ in .runs }
    world.server.collectsGarbage(false)
    world.start()
    try await world.addPool(replicas: 1, ["initJob": [:]])
    #expect(await passes(world, time, upTo: .seconds(5)) { world.jobsNow.count == 1 }, "\(world.description)")
    let name = try #require(world.jobsNow.first?.metadata.name)
    await world.stop()
    try await world.remove(InitJob.resource, name)
    try await world.create(
      InitJob.resource, name, namespace: "x", ["spec": [:]],
      metadata: [
        "labels": .object([.init(PoolNames.jobLabel, .string(PoolNames.jobMark))]),
        "annotations": .object([
          .init(PoolNames.ownerAnnotation, .string(#"{"kind":"Pool","namespace":"x","name":"pool"}"#))
        ]),
      ])
    world.setJobs { _ in .completes }
    world.start()
    #expect(await passes(world, time, upTo: .seconds(100)) { world.isSettled(at: 1) }, "\(world.description)")
    #expect(world.replicas().first?.metadata.name != name)
    #expect(await passes(world, time, upTo: .seconds(1000)) { world.jobsNow.map(\.metadata.name) == [name] })
    await world.end()
  }
}
