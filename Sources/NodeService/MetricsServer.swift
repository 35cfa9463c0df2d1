package import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Telemetry

/// The daemon's `/metrics` and `/healthz`.
///
/// Never waits for an engine's command. While one hangs, `/metrics` shows the last known values and `/healthz` reports
/// the hang.
package struct MetricsServer: Sendable {
  private let server: PageServer

  /// A command that runs longer than this makes the daemon unhealthy. Kubelet then restarts it.
  package static let stuckAfter = Duration.seconds(300)

  /// If no task has run for this time, the daemon is unhealthy too, because it serves nothing.
  private static let stalledAfter = Duration.seconds(60)
  /// A call that takes longer than this is reported in `/healthz`.
  private static let slowAfter = Duration.seconds(30)

  /// - Parameter socketPath: the path at which the flex client finds the daemon; nil if there is no socket.
  /// - Throws: ``VolumeError`` if the address cannot be used.
  package init(
    address: String, context: NodeContext, release: String, socketPath: String? = nil,
    cluster: (any ClusterSide)? = nil, tasks: TaskWatch? = nil
  ) throws(VolumeError) {
    server = try PageServer(address: address, log: context.log) { path in
      switch path {
      case "/healthz": .now(Self.health(context, socketPath, tasks))
      case "/metrics": .task { .init(await Self.metrics(context, release, cluster)) }
      default: nil
      }
    }
  }

  /// The port on which the server listens.
  package var port: UInt16 { server.port }

  /// Accepts connections until ``stop()``. Blocks; call it on its own thread.
  package func acceptConnections() { server.acceptConnections() }

  package func stop() { server.stop() }

  private static func health(
    _ context: NodeContext, _ socketPath: String?, _ tasks: TaskWatch?
  ) -> PageServer.Page {
    if let stalled = tasks?.stalled, stalled > stalledAfter {
      return .init(503, "no task has run for \(stalled.components.seconds) s\n")
    }
    if let running = context.engine.activity.runningSeconds, running > stuckAfter.inSeconds {
      return .init(503, "the engine's command has been running for \(Int(running)) s\n")
    }
    if let socketPath, !Files.exists(socketPath) {
      return .init(503, "the socket \(socketPath) does not exist any more: it was removed\n")
    }
    return health(context.system.loads)
  }

  /// Health by the threads alone. A disk that does not answer affects only its own volumes, and a restart would not
  /// help.
  static func health(_ loads: [LaneLoad]) -> PageServer.Page {
    if let shared = loads.first(where: { $0.isShared && $0.oldest > stuckAfter }) {
      return .init(503, "work that all volumes need is stuck: \(shared)\n")
    }
    let stuck = loads.filter { $0.oldest > slowAfter && $0.work != "tool" }
    return .init((["ok"] + stuck.map { "\($0)" }).joined(separator: "\n") + "\n")
  }

  private static func metrics(
    _ context: NodeContext, _ release: String, _ cluster: (any ClusterSide)?
  ) async -> String {
    let groups: [GroupCapacity]
    do throws(VolumeError) {
      groups = try await context.engine.capacity()
    } catch {
      context.log.warning("capacity cannot be read for metrics", ["reason": error.message])
      groups = []
    }
    // Left out of the metrics if the directory is unreadable.
    let interrupted = try? context.interruptedCreations().count
    return MetricsText(
      context.metrics.snapshot, groups: groups, activity: context.engine.activity, interrupted: interrupted,
      release: release, cluster: await cluster?.metrics, loads: context.system.loads,
      droppedLines: context.log.dropped, runs: context.locks.runs
    ).text
  }
}
