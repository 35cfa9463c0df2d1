internal import Glibc

/// Waits for descriptors, poll(2).
enum Poll {
  /// Why a wait ended.
  enum Event: Equatable { case ready, cancelled, timedOut }

  /// Waits until the flag is set, one of `entries` has an event, or `deadline` (of `MonotonicClock`) has passed. If
  /// several are true at once, the first of these is returned. Blocks.
  ///
  /// - Throws: the error of poll(2).
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

  /// Calls poll(2) once. An interruption by a signal counts as no event, so that the caller computes the remaining time
  /// again.
  private static func once(_ entries: inout [pollfd], timeout: Int32) throws(SystemError) -> Bool {
    let result = poll(&entries, nfds_t(entries.count), timeout)
    if result >= 0 { return result > 0 }
    let reason = Errno.current
    guard reason == .interrupted else { throw SystemError(operation: "poll", subject: "", errno: reason) }
    return false
  }
}
