package import Telemetry

/// The daemon's cluster side: reconciles until its task is cancelled. The daemon works without one.
package protocol ClusterSide: Sendable {
  func run() async
  /// Its part of the metrics.
  var metrics: Exposition { get async }
}
