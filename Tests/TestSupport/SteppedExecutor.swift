internal import Synchronization

/// Runs tasks on the thread of a test, one step after the other, in the order in which the steps became possible: the same
/// test does the same each time. ``run()`` returns when all tasks wait for something that the test has to give.
package final class SteppedExecutor: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  package func run() {
    while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// Begins a task, and runs until all of them wait.
  package func start(_ body: @escaping @Sendable () async -> Void) {
    Task(executorPreference: self) { await body() }
    run()
  }

  /// What a task ends with that waits for nothing that the test has to give; nil when it waits all the same.
  package func value<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value? {
    let result = Box<Value>()
    start { result.value.withLock { [value = await body()] in $0 = value } }
    return result.value.withLock { $0 }
  }

  private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }
}
