package import LinuxSystem

/// Time and random numbers for this module: the system's, or a test's.
package protocol Timekeeper: Sendable {
  /// A monotonic time that continues while the machine is suspended.
  var now: Duration { get }
  /// The time of day, for texts and objects.
  var wallClock: Timestamp { get }
  /// Waits until this time. Throws when the task is cancelled.
  func sleep(until time: Duration) async throws(CancellationError)
  /// A random number from 0 up to but not including 1.
  func random() -> Double
}

extension Timekeeper {
  /// Waits for this time. Throws when the task is cancelled.
  package func sleep(for duration: Duration) async throws(CancellationError) { try await sleep(until: now + duration) }

  /// Half to all of a delay, at random, so that many clients that were refused together do not retry together.
  package func jittered(_ wait: Duration) -> Duration { wait * (0.5 + random() / 2) }
}

/// The system's time and random numbers.
package struct SystemTimekeeper: Timekeeper {
  private let start = ContinuousClock.now

  package init() {}

  package var now: Duration { ContinuousClock.now - start }
  package var wallClock: Timestamp { WallClock.now() }
  package func random() -> Double { Double.random(in: 0..<1) }

  package func sleep(until time: Duration) async throws(CancellationError) {
    do {
      try await Task.sleep(until: start + time, clock: .continuous)
    } catch {
      throw CancellationError()
    }
  }
}
