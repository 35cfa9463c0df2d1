import CommandLineTool
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageModel
import Telemetry

/// `serve`: takes part in the election, and provisions while this replica leads.
enum ServeCommand {
  /// Serves until SIGTERM or SIGINT, and returns the exit status.
  ///
  /// - Throws: ``VolumeError`` if a thread cannot be started, or if the settings of the API server, the election or the
  ///   metrics address cannot be used.
  static func run(_ configuration: Configuration) async throws(VolumeError) -> Int32 {
    let (log, writer, tasks) = try output(configuration)
    log.notice("configuration", configuration.summary.merging(["release": ProductNames.release]) { $1 })
    let service = try Service(configuration, log, writer, tasks)
    let pages = try configuration.metricsAddress.map { address throws(VolumeError) in
      try PageServer(address: address, log: log) { service.page($0) }
    }
    let acceptor = WorkerPool(name: "accept", limit: 1)
    if let pages { acceptor.post { pages.acceptConnections() } }
    let upkeep = try memoryUpkeep()
    log.notice("serving", ["metrics": pages.map { "\($0.port)" } ?? ""])

    let working = Task { await service.run() }
    let signal = await Signals.waitForTermination()
    log.notice("signal received", ["signal": "\(signal)"])
    working.cancel()
    await working.value
    pages?.stop()
    upkeep.stop()
    log.notice("stopped", [:])
    writer.flush(within: .seconds(2))
    return 0
  }

  /// Returns unused memory to the kernel every ten seconds. A list of 10,000 PVs uses several times the memory that the
  /// caches keep of it.
  private static func memoryUpkeep() throws(VolumeError) -> WatchThread {
    let memory = MemoryUpkeep()
    do throws(SystemError) {
      return try WatchThread(name: "upkeep") {
        memory.look()
        return .seconds(10)
      }
    } catch {
      throw VolumeError(.unavailable, "the upkeep thread cannot be started: \(error)", cause: error)
    }
  }

  private static func output(
    _ configuration: Configuration
  ) throws(VolumeError) -> (log: Log, writer: LineWriter, tasks: TaskWatch) {
    do throws(SystemError) {
      let (log, writer) = try Log.onStandardError(format: configuration.logFormat, node: "")
      return (log, writer, try TaskWatch())
    } catch {
      throw VolumeError(.unavailable, "the threads of log and watchdog cannot be started: \(error)", cause: error)
    }
  }
}
