import Controllers
import KubernetesAPI
import LinuxSystem
import Synchronization

/// Time that is at the end of each sleep at once.
final class HastyTime: Timekeeper {
  private let current = Mutex(Duration.zero)

  var now: Duration { current.withLock { $0 } }
  var wallClock: Timestamp { Timestamp(seconds: 1_700_000_000) + now }
  func random() -> Double { 0.5 }

  func sleep(until time: Duration) async throws(CancellationError) {
    if Task.isCancelled { throw CancellationError() }
    current.withLock { $0 = max($0, time) }
  }
}
