import Controllers
import Telemetry
import Testing

@testable import NodeReconciler

@Suite("Metrics of the cluster's side")
struct ClusterMetricsTests {
  @Test("known values are shown, and values that are not known yet are left out")
  func metrics() {
    var metrics = ClusterMetrics(
      api: APIMetrics(failures: ["pvs": 4], droppedEvents: 5), volumes: 9, stuckRemovals: 1, lostVolumes: 2,
      abnormalVolumes: 4, orphans: 3)
    let text = metrics.exposition.text
    for line in [
      "elastic_local_pvs 9", "elastic_local_stuck_removals 1", "elastic_local_lost_volumes 2",
      "elastic_local_abnormal_volumes 4", "elastic_local_orphans 3", "elastic_local_events_dropped_total 5",
      #"elastic_local_watch_failures_total{part="pvs"} 4"#,
    ] {
      #expect(text.contains("\n\(line)\n"), "\(line)")
    }
    #expect(text.contains("# TYPE elastic_local_api_requests_total counter\n"))
    metrics.orphans = nil
    #expect(!metrics.exposition.text.contains("elastic_local_orphans"))
  }
}
