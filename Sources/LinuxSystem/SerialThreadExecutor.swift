internal import Glibc

/// An executor with its own thread. For an actor whose work blocks, or that calls a library which must stay on one
/// thread.
///
/// Jobs run one at a time in the order they were enqueued. The thread starts and ends with the executor.
package final class SerialThreadExecutor: SerialExecutor {
  private let monitor = Monitor(State())

  /// Starts the thread. Ends the process if the thread cannot be started.
  ///
  /// `stackSize` is in bytes of address space: only touched pages use memory. The default of 8 MiB is the usual size of
  /// a main thread, for which LVM was written.
  package init(name: String, stackSize: Int = 8 << 20) {
    let monitor = monitor
    do throws(SystemError) {
      try NativeThread.start(name: name, stackSize: stackSize) { Self.work(monitor) }
    } catch {
      fatalError("cannot start the thread of an executor: \(error)")
    }
  }

  deinit {
    monitor.withLock { $0.isClosed = true }
    monitor.signal()
  }

  /// Appends a job. The job keeps the executor alive until it has run.
  package func enqueue(_ job: consuming ExecutorJob) {
    let work = Work(job: UnownedJob(job), executor: self)
    monitor.withLock { $0.queue.append(work) }
    monitor.signal()
  }

  /// Returns whether the calling thread is this executor's.
  package func isIsolatingCurrentContext() -> Bool? {
    let caller = pthread_self()
    return monitor.withLock { $0.thread == caller }
  }

  /// Ends the process if the calling thread is not this executor's.
  package func checkIsolated() {
    precondition(isIsolatingCurrentContext() == true, "not on this executor's thread")
  }
}

extension SerialThreadExecutor {
  private struct Work: Sendable {
    let job: UnownedJob
    let executor: SerialThreadExecutor

    func run() { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
  }

  private struct State {
    var queue = Queue<Work>()
    var thread: pthread_t?
    var isClosed = false

    /// Returns the next step. Nil while there is none.
    mutating func next() -> Step? { queue.popFirst().map { .work($0) } ?? (isClosed ? .end : nil) }
  }

  private enum Step: Sendable {
    case work(Work)
    case end
  }

  private static func work(_ monitor: Monitor<State>) {
    let own = pthread_self()
    monitor.withLock { $0.thread = own }
    while case .work(let work)? = monitor.wait(until: { $0.next() }) { work.run() }
  }
}
