internal import CLinux
internal import Glibc

/// Wakes a thread that waits in poll(2), any number of times. An eventfd(2).
final class WakeUp: Sendable {
  private let event: Descriptor

  init() throws(SystemError) {
    event = Descriptor(adopting: try retryingInterrupts("make event", "") { clinux_eventfd() })
  }

  /// The descriptor number for poll(2). Readable from ``wake()`` to ``clear()``.
  var pollNumber: Int32 { event.rawValue }

  /// Wakes the thread now, or at its next wait. Does not block.
  func wake() {
    var one: UInt64 = 1
    // This fails only after 2^64 wakes without a clear. The event is readable then.
    _ = write(event.rawValue, &one, MemoryLayout<UInt64>.size)
  }

  /// Clears all wakes so far. Does not block.
  func clear() {
    var count: UInt64 = 0
    // The read fails if there was no wake. Nothing is to be cleared then.
    _ = read(event.rawValue, &count, MemoryLayout<UInt64>.size)
  }
}
