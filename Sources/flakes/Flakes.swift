import CommandLineTool
import LinuxSystem
import RunningPrograms

/// Looks for tests that fail now and then, see ``usage``.
@main
enum Flakes {
  private static let usage = """
    flakes

    Looks for tests that fail now and then: repeats the unit tests beside busy loops and tells what failed how often. The
    whole set is repeated, and at the same time the quick suites by themselves, those with tasks and threads first. Goes on
    until the time is over and each has been run often enough: in an hour the whole set 10 times and the quick suites 200
    times. Runs in the project's directory; `make flakes` builds the tests first.

      HOURS=NUMBER     how long, 1 unless told; 0.1 for six minutes
      LOOPS=NUMBER     busy loops, two for each processor unless told
      FILTER=PATTERN   only suites whose name matches, TargetTests.SuiteTests

    The status is 1 when anything failed, 2 when the tests could not be repeated. A run that has printed nothing for 10
    minutes is ended and counts as failed. The output of runs that failed is kept beside the build.
    """

  static func main() {
    Termination.run {
      guard OwnProcess.arguments.isEmpty else {
        Console.error(usage)
        return 2
      }
      do {
        return try await Hunt(Settings(OwnProcess.environment)).run()
      } catch {
        Console.error("flakes: \(error)")
        return 2
      }
    }
  }
}

/// Why the tests cannot be repeated.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
