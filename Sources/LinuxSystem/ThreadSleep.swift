internal import Glibc

/// Sleeps on a thread that may block.
package enum ThreadSleep {
  /// Blocks the calling thread for at least this long, nanosleep(2).
  package static func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while nanosleep(&wanted, &left) == -1, Errno.current == .interrupted { wanted = left }
  }
}
