/// Threads for blocking calls, so that these use no thread of Swift's cooperative pool.
///
/// A pool has at most `limit` threads. A thread starts when it is needed and ends after `idleLimit` without work. If all are
/// busy, work waits first in, first out. Work cannot be cancelled by the pool: it takes its own `CancellationFlag`.
package final class WorkerPool: Sendable {
  private let name: String
  private let limit: Int
  private let stackSize: Int
  private let idleLimit: Duration
  private let monitor = Monitor(State())

  /// Creates a pool without threads. `name` (at most 15 bytes) appears in `ps -L` and core dumps. `stackSize` is in
  /// bytes.
  package init(name: String, limit: Int, stackSize: Int = 512 << 10, idleLimit: Duration = .seconds(10)) {
    precondition(limit > 0, "a pool needs at least one thread")
    self.name = name
    self.limit = limit
    self.stackSize = stackSize
    self.idleLimit = idleLimit
  }

  /// Runs a blocking call on a thread of the pool. Suspends the caller, but does not block its thread.
  ///
  /// - Throws: the error of `body`.
  package func run<T: Sendable, E: Error>(_ body: @Sendable @escaping () throws(E) -> T) async throws(E) -> T {
    let result: Result<T, E> = await withCheckedContinuation { continuation in
      post {
        do throws(E) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }

  /// Queues a call for a thread of the pool and returns. Runs it on the calling thread, and blocks, only if the pool
  /// has no thread and none can be started.
  package func post(_ body: @Sendable @escaping () -> Void) {
    let acceptance = monitor.withLock { $0.accept(body, limit: limit) }
    switch acceptance {
    case .queued: monitor.signal()
    case .needsThread: startThread()
    }
  }

  /// The load of a pool.
  package struct Load: Sendable, Hashable {
    /// The number of threads.
    package let threads: Int
    /// The number of threads that run work.
    package let busy: Int
    /// The number of calls that wait for a thread.
    package let waiting: Int
    /// The start of the oldest running call, by `MonotonicClock`. Nil if none is running.
    package let busySince: Duration?
  }

  /// The present load, for health, metrics and tests.
  package var load: Load {
    monitor.withLock {
      Load(threads: $0.threads, busy: $0.starts.count, waiting: $0.queue.count, busySince: $0.starts.values.min())
    }
  }

  /// Starts a thread. If that fails, the work waits for the existing threads. If there are none, it runs on the calling
  /// thread.
  private func startThread() {
    let (monitor, idleLimit) = (monitor, idleLimit)
    do throws(SystemError) {
      try NativeThread.start(name: name, stackSize: stackSize) { Self.work(monitor, idleLimit) }
    } catch {
      let orphans = monitor.withLock { $0.threadFailed() }
      for body in orphans { body() }
    }
  }

  private static func work(_ monitor: Monitor<State>, _ idleLimit: Duration) {
    while let work = monitor.wait(timeout: idleLimit, giveUp: { $0.leave() }, until: { $0.take() }) {
      work.body()
      monitor.withLock { $0.finish(work.number) }
    }
  }
}

extension WorkerPool {
  /// What happens to queued work.
  private enum Acceptance { case queued, needsThread }

  private struct State {
    private(set) var queue = Queue<@Sendable () -> Void>()
    private(set) var threads = 0
    /// The start time of each running call.
    private(set) var starts: [UInt64: Duration] = [:]
    private var count: UInt64 = 0

    /// Queues a call. A thread that was started and has not taken work yet counts as free.
    mutating func accept(_ body: @escaping @Sendable () -> Void, limit: Int) -> Acceptance {
      queue.append(body)
      guard queue.count > threads - starts.count, threads < limit else { return .queued }
      threads += 1
      return .needsThread
    }

    mutating func take() -> (number: UInt64, body: @Sendable () -> Void)? {
      guard let body = queue.popFirst() else { return nil }
      count += 1
      starts[count] = MonotonicClock.now()
      return (count, body)
    }

    mutating func finish(_ number: UInt64) { starts[number] = nil }

    mutating func leave() { threads -= 1 }

    /// Uncounts the thread that could not be started. Returns the work that no other thread will do.
    mutating func threadFailed() -> [@Sendable () -> Void] {
      threads -= 1
      guard threads == 0 else { return [] }
      var orphans: [@Sendable () -> Void] = []
      while let body = queue.popFirst() { orphans.append(body) }
      return orphans
    }
  }
}
