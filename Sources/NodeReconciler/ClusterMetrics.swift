internal import Controllers
internal import Telemetry

/// The values of the daemon's cluster metrics at one moment.
struct ClusterMetrics {
  var api = APIMetrics()
  /// PVs that name this node.
  var volumes = 0
  /// Removals that have been failing for ten minutes.
  var stuckRemovals = 0
  /// Volumes that a PV records and that are not on the node.
  var lostVolumes = 0
  /// Volumes in use whose file system the kernel complains about.
  var abnormalVolumes = 0
  /// Volumes of ours without a PV; nil until the PVs have been listed.
  var orphans: Int?

  var exposition: Exposition {
    var exposition = Exposition()
    let gauges: [(name: String, help: String, value: Int?)] = [
      ("pvs", "Number of PVs that name this node.", volumes),
      (
        "stuck_removals",
        "Number of volumes whose PV is being deleted and whose removal has been failing for 10 minutes.",
        stuckRemovals
      ),
      ("lost_volumes", "Number of volumes that a PV records and that are not on the node.", lostVolumes),
      (
        "abnormal_volumes", "Number of volumes in use whose file system the kernel reports as faulty.", abnormalVolumes
      ),
      ("orphans", "Number of volumes of ours that no PV names. They are kept.", orphans),
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
