internal import Glibc

/// The time of day. It can be set.
package enum WallClock {
  /// Returns the present time, clock_gettime(2) `CLOCK_REALTIME`.
  package static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }
}
