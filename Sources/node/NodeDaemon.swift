import LinuxSystem
import LogicalVolumes
import NodeCalls
import NodeService
import StorageModel
import Telemetry

/// The daemon: start-up, the servers, the sweep, and the way down.
struct NodeDaemon: Sendable {
  private let context: NodeContext
  private let socketPath: String
  private let metricsAddress: String?
  private let handler: CallHandler
  private let release: String
  private let cluster: (any ClusterSide)?
  private let tasks: TaskWatch?

  /// How often unused stagings are looked for. Rare: every call cleans up behind itself.
  private static let sweepInterval = Duration.seconds(300)
  /// How often the socket's file is looked at (an lstat(2)) and free memory goes back to the system. One timer for both: an
  /// idle daemon is to wake seldom. Less than the time for which a client waits for a socket.
  private static let upkeepInterval = Duration.seconds(4)
  /// How long running calls may go on after SIGTERM before they are cancelled and undone.
  private static let drainGrace = Duration.seconds(20)

  /// How long programs that nobody waits for may take to end and be undone then.
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
  /// - Throws: when the daemon cannot start; nothing has been changed then.
  func run() async throws(VolumeError) {
    let metrics = try metricsAddress.map { address throws(VolumeError) in
      try MetricsServer(
        address: address, context: context, release: release, socketPath: socketPath, cluster: cluster, tasks: tasks)
    }
    let lock = try prepareStateDirectory()
    // With the lock: what a bind of another daemon is just doing is not taken down.
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

  /// Takes the lock that keeps a second daemon out and makes the staging directory.
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

  /// Looks after the socket's file: without it no call reaches the daemon. What is found is logged once.
  ///
  /// Gives free memory back as well. Each LVM command leaves several times of what it keeps, in small pieces that the
  /// allocator holds on to, and so does a list of PVs. That takes a fraction of a millisecond.
  private static func keepSocket(of server: NodeServer, _ path: String, _ log: Log) async {
    var last = ""
    while !Task.isCancelled {
      do { try await Task.sleep(for: upkeepInterval) } catch { return }  // cancelled: the daemon ends
      OwnProcess.returnFreeMemory()
      var finding = ""
      do throws(VolumeError) {
        switch try server.restoreSocket() {
        case .inPlace: break
        case .restored: log.warning("socket was removed and has been made again", ["socket": path])
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
