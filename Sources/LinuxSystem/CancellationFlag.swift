internal import CLinux
internal import Glibc
internal import Synchronization

/// Says once, to any number of threads, that what they do is no longer wanted.
///
/// Waits in this module wake up at once, through an eventfd(2); others ask `isCancelled` between their steps.
package final class CancellationFlag: Sendable {
  private let state = Atomic<Bool>(false)
  private let event: Descriptor?

  /// A flag that is not set. Takes one descriptor; without one to be had, waits look at the flag every 50 ms.
  package init() {
    let number = clinux_eventfd()
    event = number >= 0 ? Descriptor(adopting: number) : nil
  }

  /// Sets the flag; again is harmless. Does not block.
  package func cancel() {
    guard !state.exchange(true, ordering: .acquiringAndReleasing) else { return }
    guard let number = eventNumber else { return }
    var one: UInt64 = 1
    // Can not fail: the counter is zero, so there is room and nothing to wait for.
    _ = write(number, &one, MemoryLayout<UInt64>.size)
  }

  /// Whether `cancel` has been called.
  package var isCancelled: Bool { state.load(ordering: .acquiring) }

  /// The descriptor that becomes readable for ever; valid as long as this object.
  private var eventNumber: Int32? {
    switch event {
    case .some(let descriptor): descriptor.rawValue
    case .none: nil
    }
  }

  /// What to give to poll(2); negative, and so ignored by it, when there is none.
  var pollNumber: Int32 { eventNumber ?? -1 }

  /// The longest time to sleep in poll(2) when there is no descriptor to wake it.
  static let fallbackInterval = Duration.milliseconds(50)
}
