internal import Controllers
internal import Telemetry

/// The daemon's cluster side at one moment, for the metrics.
struct ClusterMetrics {
  var api = APIMetrics()
  /// PVs that name this node.
  var volumes = 0
  /// Removals that have not succeeded for ten minutes.
  var stuckRemovals = 0
  /// Volumes that were made, as their PVs say, and are not there any more.
  var lostVolumes = 0
  /// Volumes in use against which the kernel holds something.
  var abnormalVolumes = 0
  /// Volumes of ours without a PV; nil when not known yet.
  var orphans: Int?

  var exposition: Exposition {
    var exposition = Exposition()
    let gauges: [(name: String, help: String, value: Int?)] = [
      ("pvs", "PVs that name this node.", volumes),
      (
        "stuck_removals", "Volumes whose PV is going and that could not be removed for 10 minutes.", stuckRemovals
      ),
      ("lost_volumes", "Volumes that were made, as their PVs say, and are not there any more.", lostVolumes),
      (
        "abnormal_volumes", "Volumes in use against whose file system the kernel holds something.", abnormalVolumes
      ),
      ("orphans", "Volumes of ours that no PV names; they are kept.", orphans),
    ]
    for (name, help, value) in gauges {
      guard let value else { continue }
      exposition.family("elastic_local_\(name)", "gauge", help)
      exposition.sample("elastic_local_\(name)", Double(value))
    }
    api.write(to: &exposition, prefix: "elastic_local")
    return exposition
  }
}
