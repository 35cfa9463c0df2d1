import LinuxSystem

/// The work of a daemon without requests.
struct Idle {
  let daemon: DaemonUnderTest
  let report: Report
  let seconds: Int

  /// Context switches per minute. libdispatch, below Swift's tasks, checks its threads once a second.
  private static let switchLimit = 120

  func measure() throws {
    let commands = try daemon.metrics().commands
    // Threads that had work end after 10 s.
    ThreadSleep.sleep(.seconds(13))
    let (switches, time) = (try daemon.figures.contextSwitches(), try daemon.figures.processorTime())
    ThreadSleep.sleep(.seconds(seconds))
    let more = try daemon.figures.contextSwitches(since: switches)
    let laterTime = try daemon.figures.processorTime()
    let milliseconds = Int(((laterTime - time) / Duration.milliseconds(1)).rounded())
    report.line("\nidle for \(seconds) s with a volume mounted; processor time \(milliseconds) ms")
    report.verdict("LVM commands", try daemon.metrics().commands - commands, limit: 0)
    report.verdict(
      "context switches of all threads, a minute", more * 60 / seconds, limit: Self.switchLimit)
  }
}
