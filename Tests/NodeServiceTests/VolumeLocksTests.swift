import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import NodeService

/// A number that many tasks change.
private final class Counter: Sendable {
  private let number = Mutex(0)
  var value: Int { number.withLock { $0 } }

  @discardableResult
  func add(_ step: Int) -> Int {
    number.withLock { number in
      number += step
      return number
    }
  }
}

/// In which order tasks came by.
private final class Order: Sendable {
  private let list = Mutex<[Int]>([])
  var numbers: [Int] { list.withLock { $0 } }
  func append(_ number: Int) { list.withLock { $0.append(number) } }
}

@Suite("Locks of volumes")
struct VolumeLocksTests {
  private let locks = VolumeLocks()
  private let volume: VolumeName
  private let other: VolumeName

  init() throws {
    volume = try VolumeName("v")
    other = try VolumeName("other")
  }

  /// Waits until so many tasks have come to a point.
  private func until(_ isTrue: @Sendable () -> Bool) async throws {
    let limit = MonotonicClock.now() + .seconds(10)
    while !isTrue() {
      try #require(MonotonicClock.now() < limit, "waited for 10 s in vain")
      await Task.yield()
    }
  }

  @Test("a thousand tasks on one volume never overlap, and each has its turn", .timeLimit(.minutes(1)))
  func thousand() async throws {
    let (inside, turns, overlaps) = (Counter(), Counter(), Counter())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<1000 {
        group.addTask { [locks, volume] in
          try await locks.withLock(volume) { () async throws(VolumeError) in
            if inside.add(1) > 1 { overlaps.add(1) }
            await Task.yield()
            turns.add(1)
            inside.add(-1)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(turns.value == 1000)
    #expect(overlaps.value == 0)
  }

  @Test("a thousand tasks of which every second is cancelled: the others all have their turn", .timeLimit(.minutes(1)))
  func cancelledAmong() async throws {
    let turns = Counter()
    let tasks = (0..<1000).map { number in
      Task { [locks, volume] in
        do throws(VolumeError) {
          try await locks.withLock(volume) { () async throws(VolumeError) in
            await Task.yield()
            if number % 2 == 1 { turns.add(1) }
          }
          return VolumeError.Code?.none
        } catch {
          return error.code
        }
      }
    }
    for (number, task) in tasks.enumerated() where number % 2 == 0 { task.cancel() }
    for (number, task) in tasks.enumerated() {
      let code = await task.value
      #expect(code == nil || (number % 2 == 0 && code == .cancelled))
    }
    #expect(turns.value == 500)
    // The lock is free.
    try await locks.withLock(volume) { () async throws(VolumeError) in }
  }

  @Test("waiters are served in the order in which they came", .timeLimit(.minutes(1)))
  func order() async throws {
    let gate = Once<Void>()
    let order = Order()
    let isHeld = Flag()
    let first = Task { [locks, volume] in
      try await locks.withLock(volume) { () async throws(VolumeError) in
        isHeld.set()
        await gate.value
      }
    }
    try await until { isHeld.isSet }
    var waiters: [Task<Void, any Error>] = []
    for number in 0..<20 {
      let before = locks.waiting(for: volume)
      waiters.append(
        Task { [locks, volume] in
          try await locks.withLock(volume) { () async throws(VolumeError) in order.append(number) }
        })
      try await until { locks.waiting(for: volume) == before + 1 }
    }
    await gate.set(())
    try await first.value
    for waiter in waiters { try await waiter.value }
    #expect(order.numbers == Array(0..<20))
  }

  @Test("a waiter that is cancelled leaves at once; the holder and the other waiters go on", .timeLimit(.minutes(1)))
  func cancelledWaiter() async throws {
    let gate = Once<Void>()
    let isHeld = Flag()
    let holder = Task { [locks, volume] in
      try await locks.withLock(volume) { () async throws(VolumeError) in
        isHeld.set()
        await gate.value
      }
    }
    try await until { isHeld.isSet }
    let ran = Flag()
    let doomed = Task { [locks, volume] in
      do throws(VolumeError) {
        try await locks.withLock(volume) { () async throws(VolumeError) in ran.set() }
        return VolumeError.Code?.none
      } catch {
        return error.code
      }
    }
    try await until { locks.waiting(for: volume) == 1 }
    let patient = Task { [locks, volume] in
      try await locks.withLock(volume) { () async throws(VolumeError) in true }
    }
    try await until { locks.waiting(for: volume) == 2 }
    doomed.cancel()
    #expect(await doomed.value == .cancelled, "while the lock is held")
    #expect(!ran.isSet)
    await gate.set(())
    try await holder.value
    #expect(try await patient.value)
  }

  @Test("volumes do not wait for each other, and a lock is free after an error", .timeLimit(.minutes(1)))
  func independent() async throws {
    try await locks.withLock(volume) { () async throws(VolumeError) in
      try await locks.withLock(other) { () async throws(VolumeError) in }
    }
    for _ in 0..<2 {
      await #expect(throws: VolumeError.self) {
        try await locks.withLock(volume) { () async throws(VolumeError) in throw VolumeError(.internal, "x") }
      }
    }
  }

  @Test("a task that was cancelled before it asked gets no lock", .timeLimit(.minutes(1)))
  func cancelledBefore() async throws {
    let task = Task.detached { [locks, volume] in
      withUnsafeCurrentTask { $0?.cancel() }
      do throws(VolumeError) {
        try await locks.withLock(volume) { () async throws(VolumeError) in }
        return VolumeError.Code?.none
      } catch {
        return error.code
      }
    }
    #expect(await task.value == .cancelled)
    try await locks.withLock(volume) { () async throws(VolumeError) in }
  }
}

@Suite("Permits to format")
struct FormatPermitsTests {
  private let directory: TemporaryDirectory
  private let permits: FormatPermits
  private let volume: VolumeName
  private let creation: CreationToken

  init() throws {
    directory = try TemporaryDirectory()
    permits = FormatPermits(directory: directory["permits"])
    volume = try VolumeName("pvc-a.b+c_d")
    creation = try #require(CreationToken("abcdefghijklmnop"))
    try permits.prepare()
  }

  @Test("a permit is read as it was written, by a later daemon too, and is gone when it is removed")
  func roundTrip() throws {
    #expect(try permits.permit(for: volume) == nil)
    for progress in FormatPermit.Progress.allCases {
      let permit = FormatPermit(volume: volume, creation: creation, progress: progress)
      try permits.write(permit)
      let later = FormatPermits(directory: directory["permits"])
      try later.prepare()
      #expect(try later.permit(for: volume) == permit)
      #expect(try later.volumes() == [volume])
    }
    try permits.remove(volume)
    try permits.remove(volume)
    #expect(try permits.permit(for: volume) == nil)
    #expect(try permits.volumes().isEmpty)
  }

  @Test("a permit on the disk has exactly this form, which later releases must read")
  func form() throws {
    try permits.write(FormatPermit(volume: volume, creation: creation, progress: .formatting))
    let text = try Files.readText(directory["permits/pvc-a.b+c_d.json"])
    for part in [
      #""volume":"pvc-a.b+c_d""#, #""creation":"abcdefghijklmnop""#, #""progress":"formatting""#,
    ] { #expect(text.contains(part), "\(text)") }
    try directory.write(
      #"{"creation":"abcdefghijklmnop","volume":"pvc-a.b+c_d","progress":"cleared","later":"more"}"#,
      to: "permits/pvc-a.b+c_d.json")
    let permit = FormatPermit(volume: volume, creation: creation, progress: .cleared)
    #expect(try permits.permit(for: volume) == permit, "keys of a later release are ignored")
  }

  @Test(
    "a file that is not a permit of this volume is an error that names the file, and stays in place",
    arguments: [
      ("", "empty, as after a crash of the disk"), ("{}", "no keys"), ("null", "null"), ("\0\0\0\0", "zeros"),
      (#"{"volume":"pvc-b","creation":"abcdefghijklmnop","progress":"planned"}"#, "another volume's"),
      (#"{"volume":"pvc-a.b+c_d","creation":"short","progress":"planned"}"#, "no token"),
      (#"{"volume":"pvc-a.b+c_d","creation":"abcdefghijklmnop"}"#, "no state"),
      (
        #"{"volume":"pvc-a.b+c_d","creation":"abcdefghijklmnop","mayBeFormatting":true}"#, "of a release that knew none"
      ),
      (
        #"{"volume":"pvc-a.b+c_d","creation":"abcdefghijklmnop","progress":"more"}"#,
        "a progress that nobody knows"
      ),
    ])
  func garbage(_ text: String, _ remark: String) throws {
    let path = directory["permits/pvc-a.b+c_d.json"]
    try Files.writeDurably(Array(text.utf8), to: path)
    let error = #expect(throws: VolumeError.self, "\(remark)") { try permits.permit(for: volume) }
    #expect(error?.code == .internal, "\(remark)")
    #expect(error?.message.contains(path) == true, "\(remark)")
    #expect(try permits.volumes() == [volume], "it is told of all the same")
    #expect(Files.exists(path), "\(remark)")
  }

  @Test("the remains of an interrupted write are removed, and no permit is")
  func temporaries() throws {
    try permits.write(FormatPermit(volume: volume, creation: creation, progress: .formatting))
    try directory.write("{", to: "permits/.elastic-local-1-2-3.tmp")
    try permits.prepare()
    #expect(try Files.list(directory["permits"]) == ["pvc-a.b+c_d.json"])
  }
}
