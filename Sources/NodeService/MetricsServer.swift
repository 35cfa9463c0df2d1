internal import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Telemetry

/// The daemon's `/metrics` and `/healthz`.
///
/// Never waits for an engine's command: while one hangs, the last known figures are shown and health says so.
package struct MetricsServer: Sendable {
  private let server: PageServer

  /// A command that runs for longer than this makes the daemon unhealthy: kubelet then restarts it.
  package static let stuckAfter = Duration.seconds(300)

  /// - Parameter socketPath: where the flex client must be able to find the daemon; nil where there is no socket.
  package init(
    address: String, context: NodeContext, release: String, socketPath: String? = nil,
    cluster: (any ClusterFigures)? = nil
  ) throws(VolumeError) {
    server = try PageServer(address: address, log: context.log) { path in
      switch path {
      case "/healthz": .now(Self.health(context, socketPath))
      case "/metrics": .task { .init(await Self.metrics(context, release, cluster)) }
      default: nil
      }
    }
  }

  /// The port that is listened at.
  package var port: UInt16 { server.port }

  /// Accepts until ``stop()``. Blocks: call it on a thread of its own.
  package func acceptConnections() { server.acceptConnections() }

  package func stop() { server.stop() }

  private static func health(_ context: NodeContext, _ socketPath: String?) -> PageServer.Page {
    if let running = context.engine.activity.runningSeconds, running > stuckAfter.inSeconds {
      return .init(503, "the engine's command has been running for \(Int(running)) s\n")
    }
    if let socketPath, !Files.exists(socketPath) {
      return .init(503, "the socket \(socketPath) is gone: somebody removed it\n")
    }
    return .init("ok\n")
  }

  private static func metrics(
    _ context: NodeContext, _ release: String, _ cluster: (any ClusterFigures)?
  ) async -> String {
    let groups: [GroupCapacity]
    do throws(VolumeError) {
      groups = try await context.engine.capacity()
    } catch {
      context.log.warning("capacity can not be read for metrics", ["reason": error.message])
      groups = []
    }
    let interrupted = try? context.permits.volumes().count  // left out of the metrics when the directory is unreadable
    return MetricsText(
      context.metrics.snapshot, groups: groups, activity: context.engine.activity, interrupted: interrupted,
      release: release, cluster: await cluster?.figures
    ).text
  }
}
