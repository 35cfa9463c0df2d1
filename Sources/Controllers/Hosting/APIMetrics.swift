package import KubernetesAPI
package import Telemetry

/// Metrics of a program's requests to the API server.
package struct APIMetrics: Sendable {
  package var requests: [RequestKind: Int]
  /// Failed lists, watches and other reads, by the data that was read.
  package var failures: [String: Int]
  package var droppedEvents: Int

  package init(requests: [RequestKind: Int] = [:], failures: [String: Int] = [:], droppedEvents: Int = 0) {
    self.requests = requests
    self.failures = failures
    self.droppedEvents = droppedEvents
  }

  /// Writes the metrics.
  ///
  /// - Parameter prefix: the beginning of the metrics' names. The provisioner and the daemons have always had different
  ///   ones.
  package func write(to exposition: inout Exposition, prefix: String) {
    exposition.family("\(prefix)_watch_failures_total", "counter", "Number of failed lists, watches and other reads.")
    for (part, count) in failures.sorted(by: { $0.key < $1.key }) {
      exposition.sample("\(prefix)_watch_failures_total", ["part": part], Double(count))
    }
    exposition.family(
      "elastic_local_api_requests_total", "counter",
      "Number of requests to the API server, by the status of the answer.")
    for (kind, count) in requests.sorted(by: { $0.key < $1.key }) {
      exposition.sample(
        "elastic_local_api_requests_total",
        ["verb": kind.verb, "resource": kind.resource, "code": kind.code.map { "\($0)" } ?? "none"], Double(count))
    }
    exposition.family("\(prefix)_events_dropped_total", "counter", "Number of Events that were not sent.")
    exposition.sample("\(prefix)_events_dropped_total", Double(droppedEvents))
  }
}
