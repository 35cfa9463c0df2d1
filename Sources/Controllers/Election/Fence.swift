internal import KubernetesAPI
internal import LinuxSystem
internal import Synchronization

/// Ends the process if its work is still running shortly before another process may take over. It has its own thread,
/// because the work may block all threads that run tasks.
final class Fence: Sendable {
  private let hasFired = Atomic<Bool>(false)
  private let action: @Sendable () -> Void
  private let thread = Mutex<WatchThread?>(nil)

  /// - Parameters:
  /// - lastMoment: the time after the last renewal at which the action is called.
  /// - action: called at most once.
  init(_ held: HeldLease, lastMoment: Duration, time: any Timekeeper, action: @escaping @Sendable () -> Void) {
    self.action = action
    // If no thread can be started, the elector's own task still ends the process.
    let watch = try? WatchThread(name: "fence") { [weak self] in
      guard let self else { return nil }
      let left = held.lastRenewal + lastMoment - time.now
      guard left > .zero else {
        fire()
        return nil
      }
      // Checks often, because a suspended machine also suspends the waits of its threads.
      return min(left, .milliseconds(500))
    }
    thread.withLock { $0 = watch }
  }

  /// Calls the action, unless it was called already.
  func fire() {
    guard !hasFired.exchange(true, ordering: .acquiringAndReleasing) else { return }
    action()
  }

  /// Stops the fence, because the work has ended.
  func lift() {
    hasFired.store(true, ordering: .releasing)
    thread.withLock { $0 }?.stop()
  }
}
