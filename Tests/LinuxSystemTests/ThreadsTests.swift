import Glibc
import LinuxSystem
import Synchronization
import Testing

/// The results of concurrent work.
private final class Load: Sendable {
  private let state = Mutex((running: 0, highest: 0, seen: [Int]()))
  private let isOpen = Mutex(false)

  var running: Int { state.withLock { $0.running } }
  var highest: Int { state.withLock { $0.highest } }
  var seen: [Int] { state.withLock { $0.seen } }

  func enter() {
    state.withLock { state in
      state.running += 1
      state.highest = max(state.highest, state.running)
    }
  }

  func leave() { state.withLock { $0.running -= 1 } }
  func open() { isOpen.withLock { $0 = true } }
  func waitUntilOpen() { while !isOpen.withLock({ $0 }) { usleep(1000) } }
  func record(_ number: Int) { state.withLock { $0.seen.append(number) } }
}

@Suite("Worker pool")
struct WorkerPoolTests {
  private struct Trouble: Error, Equatable { let number: Int }

  @Test("results and typed errors are returned")
  func results() async throws {
    let pool = WorkerPool(name: "test", limit: 2)
    #expect(await pool.run { 42 } == 42)
    await #expect(throws: Trouble(number: 7)) {
      try await pool.run { () throws(Trouble) -> Int in throw Trouble(number: 7) }
    }
  }

  @Test("there are never more threads than the limit, and all work is done")
  func bound() async throws {
    let pool = WorkerPool(name: "test", limit: 3)
    let load = Load()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<24 {
        group.addTask {
          await pool.run {
            load.enter()
            load.waitUntilOpen()
            load.leave()
          }
        }
      }
      #expect(try await eventually { pool.load.busy == 3 && pool.load.waiting == 21 })
      load.open()
      try await group.waitForAll()
    }
    #expect(load.running == 0)
    #expect(load.highest == 3)
    #expect(pool.load.threads == 3)
  }

  @Test("one thread serves consecutive work")
  func reuse() async throws {
    let pool = WorkerPool(name: "reuse", limit: 8)
    var threads: Set<pthread_t> = []
    for _ in 0..<20 {
      threads.insert(await pool.run { pthread_self() })
      // The result can be here before the thread is back at the queue.
      #expect(try await eventually { pool.load.busy == 0 })
    }
    #expect(threads.count == 1)
  }

  @Test("threads end without work and start again with work")
  func idle() async throws {
    let pool = WorkerPool(name: "idle", limit: 8, idleLimit: .milliseconds(20))
    #expect(await pool.run { 1 } == 1)
    #expect(try await eventually { pool.load.threads == 0 })
    #expect(await pool.run { 1 } == 1)
  }

  @Test("waiting work is done in the order of arrival")
  func order() async {
    let pool = WorkerPool(name: "test", limit: 1)
    let load = Load()
    for number in 0..<100 { pool.post { load.record(number) } }
    await pool.run {}
    #expect(load.seen == Array(0..<100))
  }

  @Test("threads carry the pool's name")
  func name() async {
    let pool = WorkerPool(name: "a-rather-long-name", limit: 1)
    let name = await pool.run { try? Files.readText("/proc/thread-self/comm") }
    #expect(name == "a-rather-long-n\n")
  }
}

@Suite("Work lanes")
struct WorkLanesTests {
  @Test("a lane whose threads all hang delays no other lane, and reports for how long")
  func hanging() async throws {
    let lanes = WorkLanes { $0.group == "stuck" ? 2 : 1 }
    let stuck = WorkLanes.Lane(work: "mount", group: "stuck")
    let other = WorkLanes.Lane(work: "mount", group: "well")
    let gate = Mutex(false)
    for _ in 0..<3 {
      lanes[stuck].post { while !gate.withLock({ $0 }) { usleep(1000) } }
    }
    #expect(try await eventually { lanes[stuck].load.busy == 2 })
    #expect(await lanes[other].run { 42 } == 42)
    let load = try #require(lanes.loads.first { $0.lane == stuck })
    #expect(load.limit == 2 && load.load.busy == 2 && load.load.waiting == 1)
    let since = try #require(load.load.busySince)
    #expect(since <= MonotonicClock.now())
    gate.withLock { $0 = true }
    #expect(try await eventually { lanes[stuck].load.busySince == nil && lanes[stuck].load.waiting == 0 })
  }
}

@Suite("Serial thread executor")
struct SerialThreadExecutorTests {
  private actor Blocker {
    private let executor: SerialThreadExecutor
    private(set) var threads: Set<pthread_t> = []
    private var isInside = false
    private(set) var overlaps = 0

    init(_ executor: SerialThreadExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func work() {
      if isInside { overlaps += 1 }
      isInside = true
      usleep(1000)
      isInside = false
      threads.insert(pthread_self())
    }

    nonisolated func assume() -> Int { assumeIsolated { $0.overlaps } }

    func assumeInside() -> Int { assume() }
  }

  @Test("an actor on the executor stays on one thread, one job at a time")
  func oneThread() async {
    let actor = Blocker(SerialThreadExecutor(name: "serial"))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { await actor.work() } }
    }
    #expect(await actor.threads.count == 1)
    #expect(await actor.overlaps == 0)
    #expect(await actor.assumeInside() == 0)
  }

  @Test("the executor knows whether the caller is on its thread")
  func isolation() async {
    let executor = SerialThreadExecutor(name: "serial")
    #expect(executor.isIsolatingCurrentContext() == false)
    await Blocker(executor).work()
  }

  @Test("the thread ends with the executor")
  func end() async throws {
    func count() throws -> Int {
      try Files.list("/proc/self/task").filter {
        (try? Files.readText("/proc/self/task/\($0)/comm")) == "ends-with-it\n"
      }.count
    }
    await Blocker(SerialThreadExecutor(name: "ends-with-it")).work()
    #expect(try await eventually { try count() == 0 })
  }
}
