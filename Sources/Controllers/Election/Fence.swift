internal import KubernetesAPI
internal import LinuxSystem
internal import Synchronization

/// Ends the process when work goes on although others may take over soon. From a thread of its own: that work may be what
/// blocks all threads on which tasks run.
final class Fence: Sendable {
  private let hasFired = Atomic<Bool>(false)
  private let action: @Sendable () -> Void
  private let thread = Mutex<WatchThread?>(nil)

  /// - Parameters:
  ///   - lastMoment: after the last renewal.
  ///   - action: called once at most.
  init(_ held: HeldLease, lastMoment: Duration, time: any Timekeeper, action: @escaping @Sendable () -> Void) {
    self.action = action
    // If no thread can be started, the alarm of the elector's own task remains.
    let watch = try? WatchThread(name: "fence") { [weak self] in
      guard let self else { return nil }
      let left = held.lastRenewal + lastMoment - time.now
      guard left > .zero else {
        fire()
        return nil
      }
      // Often enough for a machine that was suspended meanwhile: its threads' waits were too.
      return min(left, .milliseconds(500))
    }
    thread.withLock { $0 = watch }
  }

  /// Calls the action, unless it has been called.
  func fire() {
    guard !hasFired.exchange(true, ordering: .acquiringAndReleasing) else { return }
    action()
  }

  /// The work has ended.
  func lift() {
    hasFired.store(true, ordering: .releasing)
    thread.withLock { $0 }?.stop()
  }
}
