internal import Glibc

/// A value behind a lock, with a condition to wait for. `Mutex` has no condition. For threads, never for tasks.
///
/// `@unchecked Sendable` is sound: the value is only accessed in `withLock` and `wait`, with the lock held. The two
/// pthread objects are made for sharing and stay at one address.
final class Monitor<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  init(_ state: sending State) {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A change of the wall clock must not change a wait.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
    self.state = state
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the value with the lock held.
  func withLock<Result>(_ body: (inout State) -> sending Result) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Wakes one waiting thread, if there is one.
  func signal() { pthread_cond_signal(condition) }

  /// Wakes all waiting threads.
  func broadcast() { pthread_cond_broadcast(condition) }

  /// Calls `body` until it returns a value, and waits for a signal in between. Blocks. After `timeout` it calls
  /// `giveUp` with the lock held and returns nil.
  func wait<Result>(
    timeout: Duration? = nil, giveUp: (inout State) -> Void = { _ in }, until body: (inout State) -> sending Result?
  ) -> sending Result? {
    var deadline = timeout.map { MonotonicClock.timespec(after: $0) }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      if !waitOnce(&deadline) {
        if let result = body(&state) { return result }
        giveUp(&state)
        return nil
      }
    }
  }

  private func waitOnce(_ deadline: inout timespec?) -> Bool {
    guard var limit = deadline else { return pthread_cond_wait(condition, mutex) == 0 }
    return pthread_cond_timedwait(condition, mutex, &limit) != ETIMEDOUT
  }
}
