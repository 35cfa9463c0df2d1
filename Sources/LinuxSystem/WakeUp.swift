internal import CLinux
internal import Glibc

/// Wakes a thread that waits in poll(2), any number of times: an eventfd(2).
final class WakeUp: Sendable {
  private let event: Descriptor

  init() throws(SystemError) {
    event = Descriptor(adopting: try retryingInterrupts("make event", "") { clinux_eventfd() })
  }

  /// What to give to poll(2); readable after ``wake()`` until ``clear()``.
  var pollNumber: Int32 { event.rawValue }

  /// Wakes the thread now, or when it waits the next time. Does not block.
  func wake() {
    var one: UInt64 = 1
    // Fails only when 2^64 wakes have not been seen: then it is readable anyway.
    _ = write(event.rawValue, &one, MemoryLayout<UInt64>.size)
  }

  /// Forgets all wakes so far.
  func clear() {
    var count: UInt64 = 0
    // Nothing to read is nothing to forget.
    _ = read(event.rawValue, &count, MemoryLayout<UInt64>.size)
  }
}
