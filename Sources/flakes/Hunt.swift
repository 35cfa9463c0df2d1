import CommandLineTool
import LinuxSystem
import RunningPrograms

/// The whole of it: a first run, from which the quick suites are known, and two lanes that repeat.
final class Hunt: Sendable {
  private let settings: Settings
  private let place: Place
  private let tally = Tally()
  private let began = MonotonicClock.now()

  private static let pool = WorkerPool(name: "lane", limit: 2)

  init(_ settings: Settings) throws {
    self.settings = settings
    place = try Place()
  }

  /// Returns the exit status.
  func run() async throws -> Int32 {
    let place = place
    defer { place.remove() }
    Termination.arrange {
      RunningTests.killAll()
      place.remove()
    }
    try BusyLoops.start(settings.loops)
    let first = try await Self.pool.run { [self] in try runOnce(.whole, 1, settings.filter) }
    let quick = try QuickSuites(xunit: first.xunit)
    let seconds = Int((MonotonicClock.now() - began) / .seconds(1))
    Console.print("the whole set takes \(seconds) s; repeated by themselves: \(quick.suites.count) suites")
    async let suites: Void = Self.pool.run { [self] in
      try repeatRuns(.quick, from: 1, atLeast: settings.inTheHours(200), quick.pattern)
    }
    async let whole: Void = Self.pool.run { [self] in
      try repeatRuns(.whole, from: 2, atLeast: settings.inTheHours(10), settings.filter)
    }
    _ = try await (suites, whole)
    let minutes = Int((MonotonicClock.now() - began) / .seconds(60))
    Console.print("== beside \(settings.loops) busy loops, in \(minutes) minutes")
    return tally.report(kept: place.kept)
  }

  /// Until the time is over, and until there were enough. Blocks.
  private func repeatRuns(_ lane: Lane, from first: Int, atLeast count: Int, _ pattern: String) throws {
    let end = began + .seconds(settings.inTheHours(3600))
    var number = first
    while !Termination.isUnderWay, MonotonicClock.now() < end || number <= count {
      _ = try runOnce(lane, number, pattern)
      number += 1
    }
  }

  /// Blocks.
  private func runOnce(_ lane: Lane, _ number: Int, _ pattern: String) throws -> TestRun {
    let run = TestRun(bundle: place.bundle, name: "\(lane.rawValue)-\(number)", directory: place.work)
    let outcome = try run.run(pattern)
    // What a signal ends has not failed.
    if let failure = outcome.failure, !Termination.isUnderWay {
      try Files.makeDirectories(place.kept, mode: 0o755)
      try Files.writeDurably(outcome.log, to: "\(place.kept)/\(run.name).log", mode: 0o644)
      Console.print("\(lane.rawValue) run \(number) failed: \(failure.joined(separator: "; "))")
    }
    tally.count(lane, outcome.failure)
    // The first one says which suites are quick.
    if number > 1 { try run.removeFiles() }
    return run
  }
}

/// What is repeated.
enum Lane: String, CaseIterable { case whole, quick }
