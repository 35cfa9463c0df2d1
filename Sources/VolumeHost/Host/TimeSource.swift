/// Time as the library sees it: the system's, or one that a test moves.
public protocol TimeSource: Sendable {
  /// The time since an arbitrary start. Only goes forward.
  var now: Duration { get }
  /// Returns at that time, or earlier when the task is cancelled.
  func sleep(until time: Duration) async
}

extension TimeSource {
  /// Returns after that long, or earlier when the task is cancelled.
  public func sleep(for duration: Duration) async { await sleep(until: now + duration) }
}

/// The system's time, which stands still while the machine is suspended.
public struct SystemTime: TimeSource {
  private let start: SuspendingClock.Instant

  /// Starts at zero.
  public init() { start = .now }

  /// The time since it was made.
  public var now: Duration { SuspendingClock.now - start }

  /// Sleeps.
  public func sleep(until time: Duration) async {
    // Only cancellation throws, and that is what the caller looks at afterwards.
    try? await Task.sleep(until: start + time, clock: .suspending)
  }
}
