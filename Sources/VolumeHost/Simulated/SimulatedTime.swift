internal import Synchronization

/// A clock that moves only when told, and the executor of all tasks that use it. A day of back-off takes milliseconds
/// and runs the same way each time.
///
/// Start tasks with `start`, then let time pass with `run(until:)`. All tasks run on the thread that calls it, in the
/// order in which they became ready. Everything that is ready at one time runs before the clock moves on. No task may
/// wait for another thread.
public final class SimulatedTime: TimeSource, TaskExecutor {
  private struct Sleeper {
    let id: Int
    let time: Duration
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var now = Duration.zero
    var jobs: [UnownedJob] = []
    var sleepers: [Sleeper] = []
    var cancelled: Set<Int> = []
    var lastID = 0
  }

  private let state = Mutex(State())

  /// Creates a clock at zero.
  public init() {}

  /// The simulated time.
  public var now: Duration { state.withLock { $0.now } }

  /// Takes a job. The Swift runtime calls this.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
  }

  /// Starts a task on this clock.
  @discardableResult
  public func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    Task(executorPreference: self) { await body() }
  }

  /// Runs `body` without moving the clock. Returns false if it waits for the clock; it continues later then.
  @discardableResult
  public func perform(_ body: @escaping @Sendable () async -> Void) -> Bool {
    let flag = Flag()
    start {
      await body()
      flag.set()
    }
    settle()
    return flag.isSet
  }

  /// Moves the clock to `end` and runs everything that becomes due. Blocks until then.
  public func run(until end: Duration) {
    settle()
    while let sleeper = next(before: end) {
      sleeper.resume()
      settle()
    }
    state.withLock { $0.now = max($0.now, end) }
  }

  /// Moves the clock by `duration` and runs everything that becomes due. Blocks until then.
  public func run(for duration: Duration) { run(until: now + duration) }

  /// Suspends until that time, or until the task is cancelled.
  public func sleep(until time: Duration) async {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { add(Sleeper(id: id, time: time, continuation: $0)) }
    } onCancel: {
      cancel(id)
    }
  }
}

extension SimulatedTime {
  private func settle() {
    while let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// Returns the first task that is due at the earliest time, and moves the clock to that time.
  private func next(before end: Duration) -> CheckedContinuation<Void, Never>? {
    state.withLock { state in
      guard let first = state.sleepers.indices.min(by: { state.sleepers[$0].time < state.sleepers[$1].time }),
        state.sleepers[first].time <= end
      else { return nil }
      let sleeper = state.sleepers.remove(at: first)
      state.now = max(state.now, sleeper.time)
      return sleeper.continuation
    }
  }

  private func add(_ sleeper: Sleeper) {
    let isOver = state.withLock { state in
      if state.cancelled.remove(sleeper.id) != nil || sleeper.time <= state.now { return true }
      state.sleepers.append(sleeper)
      return false
    }
    if isOver { sleeper.continuation.resume() }
  }

  private func cancel(_ id: Int) {
    let sleeper: Sleeper? = state.withLock { state in
      guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
        state.cancelled.insert(id)
        return nil
      }
      return state.sleepers.remove(at: index)
    }
    sleeper?.continuation.resume()
  }
}

/// A flag that is set once.
private final class Flag: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .acquiring) }

  func set() { value.store(true, ordering: .releasing) }
}
