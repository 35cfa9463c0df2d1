import LinuxSystem

/// What the tests run beside: threads that always want a processor.
enum BusyLoops {
  /// They end with the process.
  static func start(_ count: Int) throws {
    let pool = WorkerPool(name: "busy", limit: max(count, 1))
    for _ in 0..<count { pool.post { spin() } }
  }

  private static func spin() -> Never {
    // The clock is asked so that no compiler takes the loop away.
    while true { _ = MonotonicClock.now() }
  }
}
