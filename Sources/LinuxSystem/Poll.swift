internal import Glibc

/// Waiting for descriptors, poll(2).
enum Poll {
  /// Why a wait ended.
  enum Event: Equatable { case ready, cancelled, timedOut }

  /// Waits until one of `entries` has an event, the flag is set, or `deadline` (of `MonotonicClock`) has passed; in
  /// this order when several are true at once, except that cancellation goes before readiness.
  static func wait(
    _ entries: inout [pollfd], until deadline: Duration?, cancellation: CancellationFlag? = nil
  ) throws(SystemError) -> Event {
    let count = entries.count
    entries.append(pollfd(fd: cancellation?.pollNumber ?? -1, events: Int16(POLLIN), revents: 0))
    defer { entries.removeLast() }
    while true {
      let ready = try once(&entries, timeout: timeout(until: deadline, cancellation))
      if cancellation?.isCancelled == true { return .cancelled }
      if ready, entries[..<count].contains(where: { $0.revents != 0 }) { return .ready }
      if let deadline, MonotonicClock.now() >= deadline { return .timedOut }
    }
  }

  private static func timeout(until deadline: Duration?, _ cancellation: CancellationFlag?) -> Int32 {
    var rest = deadline.map { $0 - MonotonicClock.now() }
    if let cancellation, cancellation.pollNumber < 0 {
      rest = min(rest ?? CancellationFlag.fallbackInterval, CancellationFlag.fallbackInterval)
    }
    return rest?.pollMilliseconds ?? -1
  }

  /// One poll(2). An interruption by a signal counts as nothing ready, so that the time left is computed anew.
  private static func once(_ entries: inout [pollfd], timeout: Int32) throws(SystemError) -> Bool {
    let result = poll(&entries, nfds_t(entries.count), timeout)
    if result >= 0 { return result > 0 }
    let reason = Errno.current
    guard reason == .interrupted else { throw SystemError(operation: "poll", subject: "", errno: reason) }
    return false
  }
}
