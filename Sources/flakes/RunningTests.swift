import RunningPrograms
import Synchronization

/// The tests that run now: they end with us.
enum RunningTests {
  private static let processes = Mutex<[SpawnedProcess]>([])

  /// Does something while a process may have to be killed.
  static func keeping<Result>(_ process: SpawnedProcess, _ body: () -> Result) -> Result {
    processes.withLock { $0.append(process) }
    defer { processes.withLock { $0.removeAll { $0 === process } } }
    return body()
  }

  static func killAll() { for process in processes.withLock({ $0 }) { process.signal(.kill) } }
}
