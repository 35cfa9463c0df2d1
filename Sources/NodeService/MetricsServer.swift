internal import LinuxSystem
internal import LogicalVolumes
package import StorageModel

/// Answers `GET /metrics` and `GET /healthz` over HTTP/1.1, a connection a request.
///
/// Never waits for an engine's command: while one hangs, the last known figures are shown and health says so.
package final class MetricsServer: Sendable {
  private let listener: TCPListener
  private let pool = WorkerPool(name: "metrics", limit: 4)
  private let context: NodeContext
  private let release: String
  private let socketPath: String?

  /// A command that runs for longer than this makes the daemon unhealthy: kubelet then restarts it.
  package static let stuckAfter = Duration.seconds(300)

  /// - Parameter socketPath: where the flex client must be able to find the daemon; nil where there is no socket.
  package init(
    address: String, context: NodeContext, release: String, socketPath: String? = nil
  ) throws(VolumeError) {
    self.socketPath = socketPath
    self.context = context
    self.release = release
    do throws(SystemError) {
      listener = try TCPListener(address)
    } catch {
      throw VolumeError(
        .invalid,
        "--metrics-address (ELASTIC_LOCAL_METRICS_ADDRESS): \(quoted(address)) can not be listened at, it wants HOST:PORT with "
          + "a numeric host: \(error)")
    }
  }

  /// The port that is listened at.
  package var port: UInt16 { (try? listener.port()) ?? 0 }  // it is bound: this can not fail

  /// Accepts until ``stop()``. Blocks: call it on a thread of its own.
  package func acceptConnections() {
    while true {
      do throws(SystemError) {
        let connection = SharedDescriptor(try listener.accept())
        pool.post { [self] in serve(connection) }
      } catch {
        if error.errno == .invalid { return }
        ThreadSleep.sleep(.milliseconds(100))
      }
    }
  }

  package func stop() { listener.shutdown() }

  private func serve(_ connection: SharedDescriptor) {
    let head: String
    do throws(FrameError) {
      head = try StreamIO.readHead(connection.descriptor, limit: 8192, deadline: .seconds(5))
    } catch {
      return
    }
    let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
    guard words.count == 3, words[0] == "GET" else { return respond(connection, 405, "only GET\n") }
    switch words[1] {
    case "/healthz": respondWithHealth(connection)
    case "/metrics": Task.detached { [self] in respond(connection, 200, await metricsText()) }
    default: respond(connection, 404, "there are /metrics and /healthz\n")
    }
  }

  private func respondWithHealth(_ connection: SharedDescriptor) {
    if let running = context.engine.activity.runningSeconds, running > Self.stuckAfter.inSeconds {
      respond(connection, 503, "the engine's command has been running for \(Int(running)) s\n")
    } else if let socketPath, !Files.exists(socketPath) {
      respond(connection, 503, "the socket \(socketPath) is gone: somebody removed it\n")
    } else {
      respond(connection, 200, "ok\n")
    }
  }

  private func metricsText() async -> String {
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
      release: release
    ).text
  }

  private func respond(_ connection: SharedDescriptor, _ status: Int, _ body: String) {
    let reason = [200: "OK", 404: "Not Found", 405: "Method Not Allowed"][status] ?? "Service Unavailable"
    let head =
      "HTTP/1.1 \(status) \(reason)\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: \(body.utf8.count)\r\n"
      + "Connection: close\r\n\r\n"
    do throws(SystemError) {
      try StreamIO.writeAll(connection.descriptor, Array((head + body).utf8), deadline: .seconds(5))
    } catch {
      context.log.info("metrics not delivered", ["reason": "\(error)"])
    }
  }
}

/// A connection shared between the thread that reads and the task that answers; closed with its last user.
private final class SharedDescriptor: Sendable {
  let descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
