package import LinuxSystem

/// Time and chance as this module sees them: the system's, or a test's.
package protocol Timekeeper: Sendable {
  /// Time that only goes forward, also while the machine is suspended.
  var now: Duration { get }
  /// The time of day, for what others read.
  var wallClock: Timestamp { get }
  /// Returns at that time, or throws when the task is cancelled.
  func sleep(until time: Duration) async throws(CancellationError)
  /// Anything from 0 up to and without 1.
  func random() -> Double
}

extension Timekeeper {
  /// Returns after that long, or throws when the task is cancelled.
  package func sleep(for duration: Duration) async throws(CancellationError) { try await sleep(until: now + duration) }

  /// Between the half and the whole of a wait, so that many who were refused at once do not come back at once.
  package func jittered(_ wait: Duration) -> Duration { wait * (0.5 + random() / 2) }
}

/// The system's time and chance.
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
