internal import CLinux
internal import Glibc
internal import Synchronization

/// A flag that cancels work on any number of threads. It is set once and stays set.
///
/// Waits in this module end at once when the flag is set, through an eventfd(2). Other code checks `isCancelled`
/// between its steps.
package final class CancellationFlag: Sendable {
  private let state = Atomic<Bool>(false)
  private let event: Descriptor?

  /// Creates a flag that is not set. Uses one descriptor. If none is available, waits check the flag every 50 ms.
  package init() {
    let number = clinux_eventfd()
    event = number >= 0 ? Descriptor(adopting: number) : nil
  }

  /// Sets the flag. Has no effect if it is set already. Does not block.
  package func cancel() {
    guard !state.exchange(true, ordering: .acquiringAndReleasing) else { return }
    guard let number = eventNumber else { return }
    var one: UInt64 = 1
    // This cannot fail: the counter is zero, so the write neither overflows nor waits.
    _ = write(number, &one, MemoryLayout<UInt64>.size)
  }

  /// Whether `cancel` has been called.
  package var isCancelled: Bool { state.load(ordering: .acquiring) }

  /// The number of the eventfd, readable from `cancel` on. Valid as long as this object.
  private var eventNumber: Int32? {
    switch event {
    case .some(let descriptor): descriptor.rawValue
    case .none: nil
    }
  }

  /// The descriptor number for poll(2). Negative if there is no eventfd; poll(2) ignores negative numbers.
  var pollNumber: Int32 { eventNumber ?? -1 }

  /// The longest sleep in poll(2) if there is no eventfd.
  static let fallbackInterval = Duration.milliseconds(50)
}
