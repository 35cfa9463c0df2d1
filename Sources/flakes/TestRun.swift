import Glibc
import LinuxSystem
import RunningPrograms

/// One run of the tests.
struct TestRun {
  let bundle: String
  let name: String
  let directory: String

  /// The longest that a run may print nothing.
  private static let silence = Duration.seconds(600)
  private static let notUnit = #"^(System|Cluster)Tests\."#

  struct Outcome {
    /// What it has printed.
    let log: [UInt8]
    /// The tests that failed, or how the run ended; nil when all is well.
    let failure: [String]?
  }

  /// How long each test has taken.
  var xunit: String { "\(directory)/\(name).xml" }
  private var log: String { "\(directory)/\(name)" }

  /// Runs the suites that match. Blocks.
  func run(_ pattern: String) throws -> Outcome {
    var environment = OwnProcess.environment
    // The tests take a pipe for a terminal.
    environment["NO_COLOR"] = "1"
    let process = try SpawnedProcess(
      [
        bundle, "--testing-library", "swift-testing", "--no-parallel", "--filter", pattern, "--skip", Self.notUnit,
        "--xunit-output", xunit,
      ], environment: environment.map { "\($0.key)=\($0.value)" }, log: log)
    let isSilent = RunningTests.keeping(process) { endWhenSilent(process) }
    let (end, text) = (process.wait(), try Files.readAll(log, limit: 1 << 30))
    guard end != .exited(0) else { return Outcome(log: text, failure: nil) }
    let output = TestOutput(String(decoding: text, as: UTF8.self))
    let way = isSilent ? "no end" : "\(end)"
    let failure = output.failed.isEmpty ? ["\(way): \(output.lastStarted ?? "before the first test")"] : output.failed
    return Outcome(log: text, failure: failure)
  }

  func removeFiles() throws {
    try Files.removeDurably(log)
    try Files.removeDurably(xunit)
  }

  /// Returns when the process has ended: whether it was killed, since its log had not grown for too long.
  private func endWhenSilent(_ process: SpawnedProcess) -> Bool {
    var (size, since) = (logSize, MonotonicClock.now())
    while process.isRunning {
      ThreadSleep.sleep(.milliseconds(200))
      let now = MonotonicClock.now()
      if logSize != size { (size, since) = (logSize, now) }
      if now - since >= Self.silence {
        process.signal(.kill)
        process.wait()
        return true
      }
    }
    return false
  }

  private var logSize: Int {
    var status = stat()
    return stat(log, &status) == 0 ? Int(status.st_size) : 0
  }
}
