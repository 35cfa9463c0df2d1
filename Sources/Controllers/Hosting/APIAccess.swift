package import KubernetesAPI
internal import LinuxSystem
package import StorageModel
internal import Synchronization
package import Telemetry

/// A program's access to the API server: the client, the Events, and their log and metrics.
package final class APIAccess: Sendable {
  package let client: APIClient
  package let events: EventRecorder
  package let log: Log
  private let transport: CountingTransport
  private let complaint: String
  private let failures = Mutex<[String: Int]>([:])

  /// - Parameters:
  ///   - component: the program's name in Events.
  /// - node: the node on which the program runs; empty when that does not matter.
  /// - complaint: the log message for a failed read.
  package init(
    _ transport: any APITransport, component: String, node: String = "", log: Log, complaint: String,
    time: any Timekeeper = SystemTimekeeper()
  ) {
    self.transport = CountingTransport(transport)
    client = APIClient(self.transport, time: time)
    events = EventRecorder(client, component: component, host: node)
    self.log = log
    self.complaint = complaint
  }

  /// - Throws: ``VolumeError/Code/invalid`` if the credentials cannot be used.
  package convenience init(
    _ connection: ConnectionConfiguration, component: String, node: String = "", log: Log, complaint: String
  ) throws(VolumeError) {
    do throws(TransportError) {
      self.init(try CurlTransport(connection), component: component, node: node, log: log, complaint: complaint)
    } catch {
      throw VolumeError(.invalid, "API server: \(error.message)", cause: error)
    }
  }

  package var metrics: APIMetrics {
    APIMetrics(
      requests: transport.counts, failures: failures.withLock { $0 }, droppedEvents: events.dropped)
  }

  /// Creates caches whose failed lists and watches are logged and counted here.
  package func caches() -> Caches { Caches(client) { [self] name, error, wait in report(name, error, wait) } }

  /// Repeats a request until there is an answer; nil when the task is cancelled.
  ///
  /// - Parameter part: the name of the requested data, for log and metrics.
  package func insist<Value>(_ part: String, _ ask: () async throws(APIError) -> Value) async -> Value? {
    var wait = Duration.seconds(1)
    while !Task.isCancelled {
      do throws(APIError) { return try await ask() } catch { report(part, error, wait) }
      do throws(CancellationError) { try await client.time.sleep(for: wait) } catch { return nil }
      wait = min(wait * 2, .seconds(30))
    }
    return nil
  }

  private func report(_ part: String, _ error: APIError, _ wait: Duration) {
    if error.kind == .cancelled { return }
    failures.withLock { $0[part, default: 0] += 1 }
    log.warning(complaint, ["part": part, "reason": error.description, "retryIn": "\(wait.inSeconds)s"])
  }
}
