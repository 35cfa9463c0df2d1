internal import Glibc

/// A clock that never goes back, for deadlines and measurements.
package enum MonotonicClock {
  /// Returns the time since an arbitrary start, clock_gettime(2) `CLOCK_MONOTONIC`. Does not count time in suspend.
  package static func now() -> Duration {
    var time = Glibc.timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Returns the time after `duration`, in the form of pthread_cond_timedwait(3).
  static func timespec(after duration: Duration) -> Glibc.timespec {
    let (seconds, attoseconds) = (now() + min(duration, longest)).components
    return Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  }

  /// A century. A longer time could overflow.
  private static let longest = Duration.seconds(3_153_600_000)
}

extension Duration {
  /// Whole milliseconds for poll(2): at least zero, and at most its maximum. Rounded up so that a wait does not end
  /// early.
  var pollMilliseconds: Int32 {
    let (seconds, attoseconds) = components
    if seconds < 0 || attoseconds < 0 { return 0 }
    if seconds >= Int64(Int32.max / 1000) { return Int32.max }
    return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
