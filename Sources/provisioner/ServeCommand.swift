import CommandLineTool
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageModel
import Telemetry

/// `serve`: takes part in the election, and works while this one leads.
enum ServeCommand {
  static func run(_ configuration: Configuration) async throws(VolumeError) -> Int32 {
    let log = Log(format: configuration.logFormat, node: "") { Console.error($0) }
    log.notice("configuration", configuration.summary.merging(["release": ProductNames.release]) { $1 })
    let service = try Service(configuration, log)
    let pages = try configuration.metricsAddress.map { address throws(VolumeError) in
      try PageServer(address: address, log: log) { service.page($0) }
    }
    let acceptor = WorkerPool(name: "accept", limit: 1)
    if let pages { acceptor.post { pages.acceptConnections() } }
    OwnProcess.returnFreeMemory()
    log.notice("serving", ["metrics": pages.map { "\($0.port)" } ?? ""])

    let working = Task { await service.run() }
    let signal = await Signals.waitForTermination()
    log.notice("signal received", ["signal": "\(signal)"])
    // A second signal ends the process at once.
    Task.detached {
      _ = await Signals.waitForTermination()
      OwnProcess.kill9()
    }
    working.cancel()
    await working.value
    pages?.stop()
    log.notice("stopped", [:])
    return 0
  }
}
