internal import Glibc

/// Time that only goes forward, since the machine was started: for deadlines and measuring.
package enum MonotonicClock {
  /// The time since an arbitrary start, clock_gettime(2) `CLOCK_MONOTONIC`. Does not count suspension.
  package static func now() -> Duration {
    var time = Glibc.timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// That point in time as pthread_cond_timedwait(3) wants it.
  static func timespec(after duration: Duration) -> Glibc.timespec {
    let (seconds, attoseconds) = (now() + min(duration, longest)).components
    return Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  }

  /// A century: what is longer could overflow, and nobody waits for it.
  private static let longest = Duration.seconds(3_153_600_000)
}

extension Duration {
  /// Whole milliseconds, rounded up so that a wait does not end early, at most what poll(2) takes, at least zero.
  var pollMilliseconds: Int32 {
    let (seconds, attoseconds) = components
    if seconds < 0 || attoseconds < 0 { return 0 }
    if seconds >= Int64(Int32.max / 1000) { return Int32.max }
    return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
