import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import StorageLedger

/// An allocator for one node of 10 GiB, each of its requests answered by the test.
@Suite("Allocator")
struct AllocatorTests {
  private let executor = SteppedExecutor()
  private let writes = HeldWrites()
  private let time = ManualTime()
  private let allocator: Allocator

  init() {
    allocator = Allocator(writes: writes, time: time)
    executor.start { [allocator] in await allocator.storage(of: "a", storage("a", gibibytes: 10)) }
  }

  // MARK: what the tests do

  private final class Ending: Sendable {
    let allocation = Mutex<Allocation?>(nil)

    /// Nil while the call goes on.
    var text: String? {
      allocation.withLock { allocation in
        switch allocation {
        case nil: nil
        case .created(let volume): "created \(volume.metadata.uid)"
        case .adopted(let volume): "adopted \(volume.metadata.uid)"
        case .foreign(let volume): "foreign \(volume.metadata.uid)"
        case .notEnoughSpace(let shortage): shortage.message
        case .refused(let failure): "refused: \(failure.message)"
        case .unsettled(let failure): "unsettled: \(failure.message)"
        }
      }
    }
  }

  private func create(_ name: String, gibibytes: UInt64 = 8, owner: String = "claim", on node: String? = "a") -> Ending
  {
    let ending = Ending()
    executor.start { [allocator] in
      let volume = Samples.volume(name, on: node ?? "a", gibibytes: gibibytes, owner: owner)
      let booking = node.map { Booking(node: $0, size: .gibibytes(gibibytes)) }
      let allocation = await allocator.create(volume, as: booking) { $0.owner == owner }
      ending.allocation.withLock { $0 = allocation }
    }
    return ending
  }

  private func stored(_ uid: String, gibibytes: UInt64 = 8, owner: String = "claim") -> PersistentVolume {
    Samples.volume("v", on: "a", gibibytes: gibibytes, owner: owner, uid: uid)
  }

  /// Answers the only request that waits.
  private func answer(_ answer: HeldWrites.Answer, at location: SourceLocation = #_sourceLocation) {
    let waiting = writes.waiting
    #expect(waiting.count == 1, sourceLocation: location)
    for request in waiting { writes.answer(request.number, answer) }
    executor.run()
  }

  private func fail(_ kind: WriteFailure.Kind, at location: SourceLocation = #_sourceLocation) {
    answer(.failure(WriteFailure(kind, "\(kind)")), at: location)
  }

  private func settle(_ name: String = "v") { executor.start { [allocator] in _ = await allocator.resolveDoubt(name) } }

  private func show(_ volume: PersistentVolume?, _ name: String = "v") {
    executor.start { [allocator] in await allocator.volume(name, volume.flatMap(ShownVolume.init)) }
  }

  private var free: ByteCount? {
    executor.value { [allocator] in await allocator.freeSpaces(on: "a", at: [.init()])[.init()] ?? .zero }
  }

  private var isInDoubt: Bool? { executor.value { [allocator] in await !allocator.doubts.isEmpty } }

  // MARK: the outcomes

  @Test("space is reserved before the PV is written, and stays reserved when the PV exists: created")
  func created() {
    let ending = create("v")
    #expect(free == .gibibytes(2) && ending.text == nil)
    answer(.success(stored("1")))
    #expect(ending.text == "created 1" && free == .gibibytes(2))
    show(stored("1"))
    show(nil)
    #expect(free == .gibibytes(10))
  }

  @Test("a volume that does not fit is not written: notEnoughSpace")
  func notEnoughSpace() {
    let ending = create("v", gibibytes: 11)
    #expect(ending.text == "node a has 10 GiB free in volume group \"vg\", 11 GiB requested, 1 GiB missing")
    #expect(writes.waiting.isEmpty && free == .gibibytes(10))
  }

  @Test(
    "a write that the API server refuses gives its space back: refused",
    arguments: [WriteFailure.Kind.missing, .conflict, .rejected])
  func refused(kind: WriteFailure.Kind) {
    let ending = create("v")
    fail(kind)
    #expect(ending.text == "refused: \(kind)" && free == .gibibytes(10))
    #expect(isInDoubt == false)
  }

  @Test("an existing PV is read: adopted if it is the client's, else foreign")
  func exists() {
    for (owner, text) in [("claim", "adopted 1"), ("pool", "foreign 1")] {
      let ending = create("v")
      fail(.exists)
      answer(.success(stored("1", gibibytes: 4, owner: owner)))
      #expect(ending.text == text && free == .gibibytes(6))
      show(stored("1", gibibytes: 4))
      show(nil)
    }
    #expect(free == .gibibytes(10))
  }

  @Test("a PV that is being deleted is not adopted, and keeps its space")
  func beingDeleted() {
    let ending = create("v")
    fail(.exists)
    var dying = stored("1")
    dying.metadata.deletionTimestamp = .init(seconds: 1, nanoseconds: 0)
    answer(.success(dying))
    #expect(ending.text?.hasPrefix("refused: PersistentVolume v is being deleted") == true && free == .gibibytes(2))
  }

  @Test("a PV that existed and is gone frees the space that was reserved for it")
  func gone() {
    let ending = create("v")
    fail(.exists)
    answer(.success(nil))
    #expect(ending.text == "refused: PersistentVolume v existed and is gone" && free == .gibibytes(10))
  }

  @Test("a PV without a node takes no space, and none is in doubt when its answer is lost")
  func unpinned() {
    let ending = create("v", on: nil)
    fail(.unknown)
    #expect(ending.text == "unsettled: unknown" && free == .gibibytes(10))
    #expect(isInDoubt == false)
  }

  // MARK: lost answers

  @Test("a lost answer keeps the space; the PV is read before the next attempt, and adopted if it exists")
  func lostAfter() {
    #expect(create("v").text == nil)
    fail(.unknown)
    #expect(free == .gibibytes(2))
    let second = create("v")
    answer(.success(stored("1")))
    #expect(second.text == "adopted 1" && writes.waiting.isEmpty && free == .gibibytes(2))
    #expect(isInDoubt == false)
  }

  @Test("a refused retry does not free the space of the first attempt")
  func refusedAfterLoss() {
    _ = create("v")
    fail(.unknown)
    let second = create("v")
    answer(.success(nil))
    fail(.rejected)
    #expect(second.text == "unsettled: rejected" && free == .gibibytes(2))
  }

  @Test("space in doubt cannot be exchanged for space elsewhere")
  func otherPlace() {
    _ = create("v")
    fail(.unknown)
    let second = create("v", gibibytes: 4)
    answer(.success(nil))
    #expect(second.text?.hasPrefix("unsettled: PersistentVolume v may have been written for node a") == true)
    #expect(free == .gibibytes(2))
  }

  @Test("without a retry the doubt is resolved when the API server's limit has passed", arguments: [true, false])
  func settledAlone(isWritten: Bool) {
    _ = create("v")
    fail(.unknown)
    settle()
    #expect(writes.waiting.isEmpty, "read before the limit")
    time.advance(by: Allocator.writeLimit)
    settle()
    answer(.success(isWritten ? stored("1") : nil))
    #expect(free == .gibibytes(isWritten ? 2 : 10))
    #expect(isInDoubt == false)
  }

  @Test("a PV that cannot be read stays in doubt")
  func unreadable() {
    _ = create("v")
    fail(.unknown)
    time.advance(by: Allocator.writeLimit)
    settle()
    fail(.unknown)
    #expect(isInDoubt == true && free == .gibibytes(2))
  }

  @Test("an existing PV that cannot be read keeps the space that was reserved, until it can be read")
  func unreadableExisting() {
    let ending = create("v")
    fail(.exists)
    fail(.unknown)
    #expect(ending.text == "unsettled: unknown" && free == .gibibytes(2))
    settle()
    answer(.success(nil))
    #expect(free == .gibibytes(10))
  }

  @Test(
    "after two lost requests, the end of the created PV frees nothing while the other request may still be carried out")
  func twoLost() {
    _ = create("v")
    fail(.unknown)
    _ = create("v")
    answer(.success(nil))
    fail(.unknown)
    let third = create("v")
    answer(.success(stored("1")))
    #expect(third.text == "adopted 1")
    show(stored("1"))
    show(nil)
    #expect(free == .gibibytes(2))
    time.advance(by: Allocator.writeLimit)
    settle()
    answer(.success(nil))
    #expect(free == .gibibytes(10))
  }

  @Test("the end of a PV that the second request has created frees nothing while the first may still be carried out")
  func lostThenCreated() {
    _ = create("v")
    fail(.unknown)
    let second = create("v")
    answer(.success(nil))
    answer(.success(stored("1")))
    #expect(second.text == "created 1")
    let third = create("v")
    answer(.success(stored("1")))
    #expect(third.text == "adopted 1" && isInDoubt == true)
    show(stored("1"))
    show(nil)
    #expect(free == .gibibytes(2))
    time.advance(by: Allocator.writeLimit)
    settle()
    answer(.success(nil))
    #expect(free == .gibibytes(10))
  }

  // MARK: several clients

  @Test("requests for one volume run one after another; those for other volumes do not wait")
  func turns() {
    let first = create("v", gibibytes: 1)
    let second = create("v", gibibytes: 1, owner: "pool")
    let other = create("w", gibibytes: 1)
    #expect(writes.waiting.count == 2)
    writes.answer(writes.waiting[0].number, .success(stored("1", gibibytes: 1)))
    executor.run()
    #expect(first.text == "created 1" && second.text == nil && other.text == nil)
    // The second client finds what the first one has made.
    writes.answer(writes.waiting[1].number, .success(stored("1", gibibytes: 1)))
    executor.run()
    #expect(second.text == "foreign 1")
    answer(.success(Samples.volume("w", on: "a", gibibytes: 1, owner: "claim", uid: "2")))
    #expect(other.text == "created 2" && free == .gibibytes(8))
  }

  @Test("a PV that may have been written is found by a read; without a reservation no request is sent")
  func find() {
    let found = Told()
    let find: @Sendable () async -> Void = { [allocator] in
      let isFound = await allocator.find("v") { $0.owner == "claim" } != nil
      found.values.withLock { $0.append(isFound) }
    }
    executor.start(find)
    #expect(found.values.withLock { $0 } == [false])
    _ = create("v")
    fail(.unknown)
    executor.start(find)
    answer(.success(nil))
    executor.start(find)
    answer(.success(stored("1")))
    #expect(found.values.withLock { $0 } == [false, false, true])
  }

  @Test("each change of free space calls the listeners, whatever the cause, and says whether it may have increased")
  func changes() {
    let told = Told()
    allocator.onChange { change in told.values.withLock { $0.append(change.isMore) } }
    _ = create("v")
    #expect(told.values.withLock { $0 } == [false])
    fail(.rejected)
    #expect(told.values.withLock { $0 } == [false, true])
    show(stored("1"))
    show(stored("1"))
    show(nil)
    #expect(told.values.withLock { $0 } == [false, true, false, true])
  }

  private final class Told: Sendable {
    let values = Mutex<[Bool]>([])
  }

  @Test("doubts are resolved while the allocator runs, and a failed read is repeated", .timeLimit(.minutes(1)))
  func runs() async {
    let writes = HeldWrites()
    let allocator = Allocator(writes: writes, time: ManualTime(isHasty: true))
    await allocator.storage(of: "a", storage("a", gibibytes: 10))
    let running = Task { await allocator.run() }
    let creating = Task {
      await allocator.create(
        Samples.volume("v", on: "a", gibibytes: 8, owner: "claim"), as: Booking(node: "a", size: .gibibytes(8))
      ) { _ in true }
    }
    for kind in [WriteFailure.Kind.unknown, .unknown, .rejected] {
      writes.answer(await Self.next(writes), .failure(WriteFailure(kind, "\(kind)")))
    }
    writes.answer(await Self.next(writes), .success(nil))
    while await !allocator.doubts.isEmpty { await Task.yield() }
    #expect(await allocator.freeSpaces(on: "a", at: [.init()]) == [.init(): .gibibytes(10)])
    running.cancel()
    await running.value
    _ = await creating.value
  }

  private static func next(_ writes: HeldWrites) async -> Int {
    while true {
      if let next = writes.waiting.first { return next.number }
      await Task.yield()
    }
  }
}
