internal import Synchronization

/// Looks at keys, several at a time and each by itself, when something about them has changed and again after a failure.
package final class ReconcileLoop<Key: Hashable & Sendable>: Sendable {
  private let time: any Timekeeper
  private let parallelism: Int
  private let state: Mutex<State>
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation

  private struct State {
    var queue: WorkQueue<Key>
    var isOpen = false
    var timer: Task<Void, Never>?
  }

  package init(
    parallelism: Int, backoff: WorkQueue<Key>.Backoff = .init(), time: any Timekeeper = SystemTimekeeper()
  ) {
    self.parallelism = parallelism
    self.time = time
    state = Mutex(State(queue: WorkQueue(backoff: backoff)))
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package var waiting: Int { state.withLock { $0.queue.waiting } }
  /// How many keys are to be looked at by now and are not yet.
  package var due: Int { state.withLock { $0.queue.due(at: time.now) } }
  package var running: Int { state.withLock { $0.queue.running } }
  package var isOpen: Bool { state.withLock { $0.isOpen } }

  /// Something about the key has changed.
  package func add(_ key: Key) {
    state.withLock { $0.queue.add(key, at: time.now) }
    signal.yield()
  }

  /// The key is to be looked at, but not yet.
  package func add(_ key: Key, after delay: Duration) {
    state.withLock { $0.queue.add(key, at: time.now + delay) }
    signal.yield()
  }

  /// The key is of no interest any more.
  package func remove(_ key: Key) { state.withLock { $0.queue.remove(key) } }

  /// From now on keys are looked at; before, they are only gathered.
  package func open() {
    state.withLock { $0.isOpen = true }
    signal.yield()
  }

  /// Works until the task is cancelled, and returns when the last look has ended. Call once.
  package func run(_ look: @escaping @Sendable (Key) async -> WorkQueue<Key>.Ending) async {
    let signals = signals
    await withDiscardingTaskGroup { group in
      startDue(look, in: &group)
      for await _ in signals { startDue(look, in: &group) }
    }
    state.withLock { $0.timer?.cancel() }
  }

  private func startDue(
    _ look: @escaping @Sendable (Key) async -> WorkQueue<Key>.Ending, in group: inout DiscardingTaskGroup
  ) {
    guard !Task.isCancelled else { return }
    for key in takeDue() {
      group.addTask { [self] in
        let ending = await look(key)
        state.withLock { $0.queue.finish(key, ending, at: time.now, chance: time.random()) }
        signal.yield()
      }
    }
  }

  /// What is due and may begin; sets the timer for what comes next.
  private func takeDue() -> [Key] {
    state.withLock { state in
      guard state.isOpen else { return [] }
      var due: [Key] = []
      while state.queue.running < parallelism, let key = state.queue.next(at: time.now) { due.append(key) }
      state.timer?.cancel()
      state.timer = nil
      if state.queue.running < parallelism, let next = state.queue.nextDue() { state.timer = timer(at: next) }
      return due
    }
  }

  private func timer(at due: Duration) -> Task<Void, Never> {
    let (time, signal) = (time, signal)
    return Task {
      // Cancelled means that another timer has taken its place.
      do throws(CancellationError) { try await time.sleep(until: due) } catch { return }
      signal.yield()
    }
  }
}
