package import KubernetesAPI
internal import Synchronization

/// Reconciles keys after they have changed and again after failures. Several keys at once, each key once at a time.
package final class ReconcileLoop<Key: Hashable & Sendable>: Sendable {
  private let time: any Timekeeper
  private let parallelism: Int
  private let patience: Duration?
  private let state: Mutex<State>
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation

  private struct State {
    var queue: WorkQueue<Key>
    var isOpen = false
    var timer: Task<Void, Never>?
  }

  /// - Parameters:
  /// - parallelism: how many keys are reconciled at once.
  /// - patience: a reconciliation that takes longer no longer counts against `parallelism`, so that keys whose
  ///   reconciliation hangs do not delay others. At most 16 times `parallelism` run. Nil if a reconciliation cannot
  ///   hang.
  package init(
    parallelism: Int, patience: Duration? = nil, backoff: Backoff = .init(),
    time: any Timekeeper = SystemTimekeeper()
  ) {
    self.parallelism = parallelism
    self.patience = patience
    self.time = time
    state = Mutex(State(queue: WorkQueue(backoff: backoff)))
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package var waiting: Int { state.withLock { $0.queue.waiting } }
  /// The number of keys that are due and have not begun.
  package var due: Int { state.withLock { $0.queue.due(at: time.now) } }
  package var running: Int { state.withLock { $0.queue.running } }
  package var isOpen: Bool { state.withLock { $0.isOpen } }

  /// Adds a key, because something about it has changed.
  package func add(_ key: Key) {
    state.withLock { $0.queue.add(key, at: time.now) }
    signal.yield()
  }

  /// Adds a key that is due after a delay.
  package func add(_ key: Key, after delay: Duration) {
    state.withLock { $0.queue.add(key, at: time.now + delay) }
    signal.yield()
  }

  /// Removes a key that is no longer of interest.
  package func remove(_ key: Key) { state.withLock { $0.queue.remove(key) } }

  /// Begins to reconcile keys. Until this call they are only collected.
  package func open() {
    state.withLock { $0.isOpen = true }
    signal.yield()
  }

  /// Works until the task is cancelled. Returns when the last reconciliation has ended. Call once.
  package func run(_ look: @escaping @Sendable (Key) async -> Ending) async {
    let signals = signals
    await withDiscardingTaskGroup { group in
      startDue(look, in: &group)
      for await _ in signals { startDue(look, in: &group) }
    }
    state.withLock { $0.timer?.cancel() }
  }

  private func startDue(
    _ look: @escaping @Sendable (Key) async -> Ending, in group: inout DiscardingTaskGroup
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

  /// Takes the keys that are due and may begin. Sets the timer for the next one.
  private func takeDue() -> [Key] {
    state.withLock { state in
      guard state.isOpen else { return [] }
      var due: [Key] = []
      while hasFreeSlot(state.queue), let key = state.queue.next(at: time.now) { due.append(key) }
      state.timer?.cancel()
      state.timer = nextChance(&state.queue).map { timer(at: $0) }
      return due
    }
  }

  private func hasFreeSlot(_ queue: WorkQueue<Key>) -> Bool {
    guard let patience else { return queue.running < parallelism }
    return queue.starts(since: time.now - patience).count < parallelism && queue.running < 16 * parallelism
  }

  /// When another key may begin even if no reconciliation ends before; nil when that is not known.
  private func nextChance(_ queue: inout WorkQueue<Key>) -> Duration? {
    guard let next = queue.nextDue() else { return nil }
    if hasFreeSlot(queue) { return next }
    guard let patience, queue.running < 16 * parallelism else { return nil }
    return queue.starts(since: time.now - patience).first.map { max(next, $0 + patience) }
  }

  private func timer(at due: Duration) -> Task<Void, Never> {
    let (time, signal) = (time, signal)
    return Task {
      // Cancelled means that another timer has replaced this one.
      do throws(CancellationError) { try await time.sleep(until: due) } catch { return }
      signal.yield()
    }
  }
}
