/// Threads for calls that block, so that they never take a thread of Swift's cooperative pool.
///
/// At most `limit` threads, made as they are needed and ended after 10 s without work. When all are busy, work waits
/// first in, first out. Nothing here can be cancelled: work that should be takes a `CancellationFlag` of its own.
package final class WorkerPool: Sendable {
  private let name: String
  private let limit: Int
  private let stackSize: Int
  private let idleLimit: Duration
  private let monitor = Monitor(State())

  /// A pool without threads as yet. The name (up to 15 bytes) shows in `ps -L` and core dumps; the stack is in bytes.
  package init(name: String, limit: Int, stackSize: Int = 512 << 10, idleLimit: Duration = .seconds(10)) {
    precondition(limit > 0, "a pool needs at least one thread")
    self.name = name
    self.limit = limit
    self.stackSize = stackSize
    self.idleLimit = idleLimit
  }

  /// Runs a blocking call on a thread of the pool and waits for it without blocking the caller's thread.
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

  /// Runs a call on a thread of the pool, some time.
  package func post(_ body: @Sendable @escaping () -> Void) {
    let acceptance = monitor.withLock { $0.accept(body, limit: limit) }
    switch acceptance {
    case .queued: monitor.signal()
    case .needsThread: startThread()
    }
  }

  /// How much a pool has to do.
  package struct Load: Sendable, Hashable {
    /// How many threads exist.
    package let threads: Int
    /// How many of them work.
    package let busy: Int
    /// How much work waits for one.
    package let waiting: Int
    /// Since when the oldest work that goes on has been going on, by `MonotonicClock`; nil when there is none.
    package let busySince: Duration?
  }

  /// How much it has to do, for health, metrics and tests.
  package var load: Load {
    monitor.withLock {
      Load(threads: $0.threads, busy: $0.starts.count, waiting: $0.queue.count, busySince: $0.starts.values.min())
    }
  }

  /// Without room for another thread the work waits for those that exist; if there is none, it runs here and now:
  /// late is better than never.
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
  /// What became of work that was handed in.
  private enum Acceptance { case queued, needsThread }

  /// What the lock protects.
  private struct State {
    private(set) var queue = Queue<@Sendable () -> Void>()
    private(set) var threads = 0
    /// When what goes on was begun.
    private(set) var starts: [UInt64: Duration] = [:]
    private var count: UInt64 = 0

    /// A thread that was started and has not come to the queue yet counts as free.
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

    /// What nobody else will do, now that the thread counted by `accept` does not come.
    mutating func threadFailed() -> [@Sendable () -> Void] {
      threads -= 1
      guard threads == 0 else { return [] }
      var orphans: [@Sendable () -> Void] = []
      while let body = queue.popFirst() { orphans.append(body) }
      return orphans
    }
  }
}
