internal import Synchronization

/// Measures whether tasks run. It distinguishes a program whose cooperative pool is blocked from an idle one.
package final class TaskWatch: Sendable {
  private let postedAt = Mutex<Duration?>(nil)
  private let thread = Mutex<WatchThread?>(nil)

  /// Starts a thread that posts a task every `interval`.
  ///
  /// - Throws: `EAGAIN` if the thread cannot be started.
  package init(interval: Duration = .seconds(30)) throws(SystemError) {
    let watch = try WatchThread(name: "task-watch") { [weak self] in
      guard let self else { return nil }
      post()
      return interval
    }
    thread.withLock { $0 = watch }
  }

  /// How long the posted task has waited to run. Zero if it has run.
  package var stalled: Duration { postedAt.withLock { $0 }.map { MonotonicClock.now() - $0 } ?? .zero }

  private func post() {
    let isFirst = postedAt.withLock { postedAt in
      defer { postedAt = postedAt ?? MonotonicClock.now() }
      return postedAt == nil
    }
    guard isFirst else { return }
    Task.detached { [weak self] in self?.postedAt.withLock { $0 = nil } }
  }
}
