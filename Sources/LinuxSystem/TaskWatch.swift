internal import Synchronization

/// Whether tasks get their turn: tells a program whose cooperative pool is blocked from one that has nothing to do.
package final class TaskWatch: Sendable {
  private let postedAt = Mutex<Duration?>(nil)
  private let thread = Mutex<WatchThread?>(nil)

  /// Starts a thread that runs a task each `interval`.
  package init(interval: Duration = .seconds(30)) throws(SystemError) {
    let watch = try WatchThread(name: "task-watch") { [weak self] in
      guard let self else { return nil }
      post()
      return interval
    }
    thread.withLock { $0 = watch }
  }

  /// For how long a task has not had its turn; zero while they have.
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
