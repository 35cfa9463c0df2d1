import Controllers
import KeptVolumes
import LinuxSystem
import Pools
import Provisioning
import StorageModel
import Telemetry

/// The provisioner's metrics. Counters restart at zero with each term of leadership.
struct ProvisionerMetrics {
  private var exposition = Exposition()

  var text: String { exposition.text }

  init(
    _ snapshot: Snapshot?, _ kept: KeptFigures?, _ pools: PoolFigures?, isLeading: Bool, api: APIMetrics,
    droppedLines: Int
  ) {
    gauge(
      "elastic_local_build_info", "Release of the provisioner, as a label; always 1.", 1,
      ["release": ProductNames.release])
    gauge(
      "elastic_local_process_resident_bytes", "Resident memory of the provisioner in bytes.",
      Double(OwnProcess.residentMemory.bytes))
    gauge("elastic_local_provisioner_leading", "Whether this candidate leads (0 or 1).", isLeading ? 1 : 0)
    api.write(to: &exposition, prefix: "elastic_local_provisioner")
    counter(
      "elastic_local_log_lines_dropped_total", "Number of log lines dropped because the log was not read.", droppedLines
    )
    if let snapshot { add(snapshot) }
    if let kept { add(kept) }
    if let pools { add(pools) }
  }

  private mutating func add(_ pools: PoolFigures) {
    gauge("elastic_local_provisioner_pools", "Number of pools.", Double(pools.pools))
    exposition.family(
      "elastic_local_provisioner_pool_replicas", "gauge",
      "Replicas of pools, by phase and node. The node is empty if the pool did not choose it.")
    for (place, count) in pools.replicas.sorted(by: { ($0.key.phase, $0.key.node) < ($1.key.phase, $1.key.node) }) {
      exposition.sample(
        "elastic_local_provisioner_pool_replicas", ["phase": place.phase, "node": place.node], Double(count))
    }
    gauge(
      "elastic_local_provisioner_pools_without_room", "Pools that no node has enough free space for.",
      Double(pools.poolsShortOfSpace))
    counter("elastic_local_provisioner_pool_replicas_created_total", "Number of created replicas.", pools.created)
    counter("elastic_local_provisioner_pool_replicas_removed_total", "Number of removed replicas.", pools.removed)
    counter(
      "elastic_local_provisioner_pool_job_failures_total", "Number of replicas whose init job failed.",
      pools.jobFailures)
    exposition.family("elastic_local_provisioner_checkouts", "gauge", "Checkouts, by whether they have a volume.")
    exposition.sample(
      "elastic_local_provisioner_checkouts", ["acquired": "true"], Double(pools.checkoutsAcquired))
    exposition.sample(
      "elastic_local_provisioner_checkouts", ["acquired": "false"], Double(pools.checkoutsWaiting))
    exposition.family(
      "elastic_local_provisioner_checkout_seconds", "summary",
      "Time from the first look at a checkout until its claim was bound.")
    exposition.sample("elastic_local_provisioner_checkout_seconds_sum", pools.checkoutSeconds)
    exposition.sample("elastic_local_provisioner_checkout_seconds_count", Double(pools.checkoutsServed))
  }

  private mutating func add(_ kept: KeptFigures) {
    let nodes = kept.volumes.sorted { $0.key < $1.key }
    exposition.family(
      "elastic_local_provisioner_kept_volumes", "gauge", "Number of kept volumes without a claim, by hostname.")
    for (node, figures) in nodes {
      exposition.sample("elastic_local_provisioner_kept_volumes", ["hostname": node], Double(figures.count))
    }
    exposition.family(
      "elastic_local_provisioner_kept_bytes", "gauge", "Size of kept volumes without a claim in bytes, by hostname.")
    for (node, figures) in nodes {
      exposition.sample("elastic_local_provisioner_kept_bytes", ["hostname": node], Double(figures.size.bytes))
    }
    gauge(
      "elastic_local_provisioner_kept_volumes_expiring", "Number of kept volumes whose deletion has been announced.",
      Double(kept.expiring))
    counter(
      "elastic_local_provisioner_kept_volumes_ended_total",
      "Number of kept volumes deleted after their time or on request.", kept.ended)
  }

  private mutating func add(_ snapshot: Snapshot) {
    let counters = snapshot.counters
    counter("elastic_local_provisioner_volumes_created_total", "Number of created PVs.", counters.volumesCreated)
    counter("elastic_local_provisioner_volumes_deleted_total", "Number of deleted PVs.", counters.volumesDeleted)
    counter(
      "elastic_local_provisioner_rescheduled_total",
      "Number of claims rescheduled because their node has not enough free space.",
      counters.rescheduled)
    counter(
      "elastic_local_provisioner_refused_total", "Number of refused claims, each with an Event.", counters.refused)
    counter(
      "elastic_local_provisioner_failures_total", "Number of failed requests, which are retried.", counters.failures)
    counter(
      "elastic_local_provisioner_finalizers_lifted_total",
      "Number of PVs given up because their node is gone or had no volume.",
      counters.finalizersLifted)
    counter(
      "elastic_local_provisioner_claims_recreated_total",
      "Number of claims deleted because their node has left the cluster.",
      counters.claimsRecreated)
    exposition.family(
      "elastic_local_provisioner_claim_seconds", "summary", "Duration of the reconciliations of claims in seconds.")
    exposition.sample("elastic_local_provisioner_claim_seconds_sum", counters.claimSeconds.total.inSeconds)
    exposition.sample("elastic_local_provisioner_claim_seconds_count", Double(counters.claimSeconds.count))
    gauge(
      "elastic_local_provisioner_synced", "Whether the first lists are complete (0 or 1).", snapshot.isSynced ? 1 : 0)
    gauge(
      "elastic_local_provisioner_queue", "Number of claims and PVs that wait to be reconciled.",
      Double(snapshot.waiting))
    gauge(
      "elastic_local_provisioner_running", "Number of claims and PVs that are being reconciled.",
      Double(snapshot.running))
    gauge(
      "elastic_local_provisioner_claims_without_room", "Number of claims for which no node has enough free space.",
      Double(snapshot.claimsWithoutSpace))
    gauge(
      "elastic_local_provisioner_claims_held_back",
      "Number of claims whose node has left the cluster, not deleted because --node-loss-limit is reached.",
      Double(snapshot.claimsHeldBack))
    gauge(
      "elastic_local_provisioner_volumes_set_aside",
      "Number of PVs set aside because their nodes have left the cluster.",
      Double(snapshot.volumesSetAside))
    gauge(
      "elastic_local_provisioner_kept_conflicts",
      "Number of claims refused because a kept volume under their name is not theirs.",
      Double(snapshot.keptConflicts))
    counter(
      "elastic_local_provisioner_kept_volumes_returned_total", "Number of kept volumes given back to a claim.",
      snapshot.counters.keptVolumesReturned)
    gauge("elastic_local_provisioner_bookings", "Number of PVs in the ledger.", Double(snapshot.bookings))
    gauge(
      "elastic_local_provisioner_nodes", "Number of nodes whose daemon has reported its storage.",
      Double(snapshot.reportingNodes))
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: Double, _ labels: [String: String] = [:]) {
    exposition.family(name, "gauge", help)
    exposition.sample(name, labels, value)
  }

  private mutating func counter(_ name: String, _ help: String, _ value: Int) {
    exposition.family(name, "counter", help)
    exposition.sample(name, Double(value))
  }
}
