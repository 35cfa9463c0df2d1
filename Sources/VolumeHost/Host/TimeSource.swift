/// The clock of the library: the system's, or one that a test moves.
public protocol TimeSource: Sendable {
  /// The time since an arbitrary start. Never goes back.
  var now: Duration { get }
  /// Suspends until that time, or until the task is cancelled.
  func sleep(until time: Duration) async
}

extension TimeSource {
  /// Suspends for that long, or until the task is cancelled.
  public func sleep(for duration: Duration) async { await sleep(until: now + duration) }
}

/// The system's clock. It stands still while the machine is suspended.
public struct SystemTime: TimeSource {
  private let start: SuspendingClock.Instant

  /// Creates a clock at zero.
  public init() { start = .now }

  /// The time since the clock was created.
  public var now: Duration { SuspendingClock.now - start }

  /// Suspends until that time, or until the task is cancelled.
  public func sleep(until time: Duration) async {
    // Only cancellation throws. The caller checks for it afterwards.
    try? await Task.sleep(until: start + time, clock: .suspending)
  }
}
