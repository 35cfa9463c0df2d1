internal import Synchronization

/// Gives memory that a daemon does not use back to the system, now and then.
package final class MemoryUpkeep: Sendable {
  /// How often code is dropped. Rare: what is used again is mapped again.
  private static let codeInterval = Duration.seconds(60)

  private let codeDroppedAt: Mutex<Duration>

  /// Drops the code that only the start has needed. Call it when the start is over.
  package init() {
    OwnProcess.returnFreeMemory()
    OwnProcess.dropUnusedCode()
    codeDroppedAt = Mutex(MonotonicClock.now())
  }

  /// Call it every few seconds. Blocks for a fraction of a millisecond, and for milliseconds when there is much to return.
  package func look() {
    OwnProcess.returnFreeMemory()
    let now = MonotonicClock.now()
    let isDue = codeDroppedAt.withLock { droppedAt in
      guard now - droppedAt >= Self.codeInterval else { return false }
      droppedAt = now
      return true
    }
    if isDue { OwnProcess.dropUnusedCode() }
  }
}
