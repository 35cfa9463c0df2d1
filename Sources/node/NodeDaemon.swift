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
  /// How often the socket's file is checked (an lstat(2)) and free memory is returned to the system. One timer does
  /// both, so that an idle daemon seldom wakes up. Less than the time for which a client waits for a socket.
  private static let upkeepInterval = Duration.seconds(4)
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
    OwnProcess.returnFreeMemory()
    context.log.notice(
      "serving",
      [
        "socket": socketPath, "engine": context.engine.kind.rawValue, "node": context.configuration.nodeName,
        "release": release, "metrics": metrics.map { "\($0.port)" } ?? "",
      ])
    await waitAndSweep(sweeper, groups, server)

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

  private func waitAndSweep(_ sweeper: Sweeper, _ groups: GroupWatch, _ server: NodeServer) async {
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
    let keeping = Task.detached { [socketPath] in await Self.keepSocket(of: server, socketPath, context.log) }
    let signal = await Signals.waitForTermination()
    context.log.notice("signal received", ["signal": "\(signal)"])
    sweeping.cancel()
    reconciling.cancel()
    watching.cancel()
    keeping.cancel()
  }

  /// Checks the socket's file, without which no call reaches the daemon. Each finding is logged once.
  ///
  /// Also returns free memory to the system. Each LVM command, and each list of PVs, frees several times the memory
  /// that it keeps, in small pieces that the allocator retains. This takes a fraction of a millisecond.
  private static func keepSocket(of server: NodeServer, _ path: String, _ log: Log) async {
    var last = ""
    while !Task.isCancelled {
      do { try await Task.sleep(for: upkeepInterval) } catch { return }  // cancelled: the daemon ends
      OwnProcess.returnFreeMemory()
      var finding = ""
      do throws(VolumeError) {
        switch try server.restoreSocket() {
        case .inPlace: break
        case .restored: log.warning("socket was removed and has been created again", ["socket": path])
        case .replaced: finding = "another file has its name; is a second daemon configured with it?"
        }
      } catch {
        finding = error.message
      }
      if finding != last, !finding.isEmpty {
        log.error("socket is lost", ["socket": path, "reason": finding])
      }
      last = finding
    }
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
