import LinuxSystem
import LogicalVolumes
import NodeCalls
import NodeService
import StorageModel
import Telemetry

/// The daemon: start, servers, sweep, and shutdown.
struct NodeDaemon: Sendable {
  private let context: NodeContext
  private let socketPath: String
  private let metricsAddress: String?
  private let handler: CallHandler
  private let release: String
  private let cluster: (any ClusterSide)?
  private let tasks: TaskWatch?

  /// How often unused staging mounts are searched. Rarely, because every call cleans up after itself.
  private static let sweepInterval = Duration.seconds(300)
  /// How long running calls may continue after SIGTERM before they are cancelled and undone.
  private static let drainGrace = Duration.seconds(20)

  /// How long programs without a waiting caller may then take to end and be undone.
  private static let undoGrace = Duration.seconds(10)

  init(
    handler: CallHandler, socketPath: String, metricsAddress: String?, release: String,
    cluster: (any ClusterSide)? = nil, tasks: TaskWatch? = nil
  ) {
    self.handler = handler
    context = handler.context
    self.socketPath = socketPath
    self.metricsAddress = metricsAddress
    self.release = release
    self.cluster = cluster
    self.tasks = tasks
  }

  /// Serves until SIGTERM or SIGINT.
  ///
  /// - Throws: ``VolumeError`` if the daemon cannot start. Nothing has been changed then.
  func run() async throws(VolumeError) {
    let metrics = try metricsAddress.map { address throws(VolumeError) in
      try MetricsServer(
        address: address, context: context, release: release, socketPath: socketPath, cluster: cluster, tasks: tasks)
    }
    let lock = try prepareStateDirectory()
    // With the lock, so that a bind in progress of another daemon is not unmounted.
    try await context.system.prepareMounting(
      root: context.configuration.kubeletRoot, directories: context.doors.flatMap(\.targetDirectories))
    try await context.engine.start()
    let groups = GroupWatch(context: context)
    await groups.check()
    try context.permits.prepare()
    let sweeper = Sweeper(context: context)
    await reporting("sweep of stagings failed") { () async throws(VolumeError) in try await sweeper.sweepStaging() }
    try await sweeper.settleInterruptedCreations()

    let server = try NodeServer(path: socketPath, handler: handler)
    let acceptors = WorkerPool(name: "accept", limit: 2)
    acceptors.post { server.acceptConnections() }
    let notice = RestartNotice(socket: socketPath, log: context.log)
    notice.remove()
    if let metrics { acceptors.post { metrics.acceptConnections() } }
    let upkeep = try Upkeep(of: server, at: socketPath, log: context.log)
    context.log.notice(
      "serving",
      [
        "socket": socketPath, "engine": context.engine.kind.rawValue, "node": context.configuration.nodeName,
        "release": release, "metrics": metrics.map { "\($0.port)" } ?? "",
      ])
    await waitAndSweep(sweeper, groups)

    upkeep.stop()
    notice.leave()
    context.log.notice("draining", [:])
    metrics?.stop()
    await server.stop(grace: Self.drainGrace)
    await context.locks.stopRuns(within: Self.undoGrace)
    context.log.notice("stopped", [:])
    lock.unlock()
  }

  /// Takes the lock that prevents a second daemon, and creates the staging directory.
  private func prepareStateDirectory() throws(VolumeError) -> DaemonLock {
    let configuration = context.configuration
    let lock = try DaemonLock(path: configuration.lockFile)
    do throws(SystemError) {
      try Files.makeDirectories(configuration.stagingDirectory, mode: 0o700)
    } catch {
      throw VolumeError(error, during: "preparing \(configuration.stagingDirectory)")
    }
    return lock
  }

  private func waitAndSweep(_ sweeper: Sweeper, _ groups: GroupWatch) async {
    let context = context
    let sweeping = Task.detached {
      while !Task.isCancelled {
        do { try await Task.sleep(for: Self.sweepInterval) } catch { return }  // cancelled: the daemon ends
        await Self.reporting("sweep of stagings failed", context.log) { () async throws(VolumeError) in
          try await sweeper.sweepStaging()
        }
      }
    }
    let reconciling = Task.detached { [cluster] in await cluster?.run() }
    let watching = Task.detached { await groups.run() }
    let signal = await Signals.waitForTermination()
    context.log.notice("signal received", ["signal": "\(signal)"])
    sweeping.cancel()
    reconciling.cancel()
    watching.cancel()
  }

  private func reporting(_ message: String, _ body: () async throws(VolumeError) -> Void) async {
    await Self.reporting(message, context.log, body)
  }

  private static func reporting(
    _ message: String, _ log: Log, _ body: () async throws(VolumeError) -> Void
  ) async {
    do throws(VolumeError) { try await body() } catch { log.warning(message, ["reason": error.message]) }
  }
}
