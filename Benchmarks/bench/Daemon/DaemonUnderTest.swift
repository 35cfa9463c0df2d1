import LinuxSystem
import RunningPrograms

/// The daemon on a volume group, with its own directories.
final class DaemonUnderTest {
  static let directory = "/mnt/bench"
  static let kubeletRoot = directory + "/kubelet"
  static let state = directory + "/state"
  /// The environment of programs that call the daemon.
  static let variables = ["ELASTIC_LOCAL_SOCKET": directory + "/run/socket"]

  private static let executable = Lab.products + "/elastic-local-node"
  private static let log = directory + "/daemon.log"

  private let process: SpawnedProcess
  private let port: UInt16

  /// Starts the daemon and waits until it serves. Blocks.
  ///
  /// - Parameter thinPool: the thin pool of its volumes; nil for thick ones.
  init(group: String, thinPool: String? = nil) throws {
    try Files.makeDirectories(Self.kubeletRoot, mode: 0o755)
    process = try SpawnedProcess(
      [
        Self.executable, "serve", "--volume-group", group, "--kubelet-root", Self.kubeletRoot, "--state-dir",
        Self.state, "--node-name", "bench", "--reclaim-grace", "0", "--metrics-address", "127.0.0.1:0",
      ] + (thinPool.map { ["--thin-pool", $0] } ?? []), environment: Programs.environment(Self.variables), log: Self.log
    )
    while true {
      let log = try Files.readText(Self.log)
      if let port = ServingLine.metricsPort(in: log) {
        self.port = port
        return
      }
      guard process.isRunning else { throw NotMeasured("the daemon ended: \(log)") }
      ThreadSleep.sleep(.milliseconds(100))
    }
  }

  var figures: ProcessFigures { ProcessFigures(processID: process.processID) }

  func metrics() throws -> Metrics { try MetricsPage.read(port: port) }

  /// Runs `elastic-local-node COMMAND` as an operator. Blocks.
  func ask(_ command: String...) throws { try Programs.run([Self.executable] + command, variables: Self.variables) }

  /// Sends SIGTERM and waits for the end. Blocks.
  func stop() throws {
    process.signal(.terminate)
    let end = process.wait()
    guard case .exited(0) = end else { throw NotMeasured("the daemon did not exit with 0: \(end)") }
  }
}
