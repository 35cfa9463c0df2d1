package import Telemetry

/// The daemon's connection to the cluster, which reconciles until its task is cancelled. The daemon also works without
/// one.
package protocol ClusterSide: Sendable {
  func run() async
  /// The metrics of this part.
  var metrics: Exposition { get async }
}
