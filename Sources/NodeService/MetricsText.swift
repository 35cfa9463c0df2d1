internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// The daemon's metrics.
struct MetricsText {
  private var exposition = Exposition()

  var text: String { exposition.text }

  init(
    _ state: Metrics.State, groups: [GroupCapacity], activity: EngineActivity, interrupted: Int?, release: String,
    cluster: Exposition? = nil, loads: [LaneLoad] = [], droppedLines: Int = 0, runs: [LongRun] = []
  ) {
    exposition.family("elastic_local_build_info", "gauge", "Release of the daemon, as a label; always 1.")
    exposition.sample("elastic_local_build_info", ["release": release], 1)
    addCalls(state)
    addGroups(groups)
    addCommands(activity)
    add(loads)
    add(runs)
    exposition.family("elastic_local_process_resident_bytes", "gauge", "Resident memory of the daemon in bytes.")
    exposition.sample("elastic_local_process_resident_bytes", [:], Double(OwnProcess.residentMemory.bytes))
    exposition.family(
      "elastic_local_child_processes_total", "counter", "Number of started programs (mkfs, e2fsck, grow tools).")
    exposition.sample("elastic_local_child_processes_total", [:], Double(ChildProcess.startedCount))
    exposition.family(
      "elastic_local_log_lines_dropped_total", "counter", "Number of log lines dropped because the log was not read.")
    exposition.sample("elastic_local_log_lines_dropped_total", Double(droppedLines))
    if let cluster { exposition.add(cluster) }
    guard let interrupted else { return }
    exposition.family(
      "elastic_local_interrupted_creations", "gauge",
      "Number of volumes whose creation was interrupted and has not been settled.")
    exposition.sample("elastic_local_interrupted_creations", [:], Double(interrupted))
  }

  private mutating func addCalls(_ state: Metrics.State) {
    exposition.family(
      "elastic_local_calls_total", "counter", "Number of calls, by verb and outcome (success or an error code).")
    for (call, count) in state.calls.sorted(by: { ($0.key.verb, $0.key.outcome) < ($1.key.verb, $1.key.outcome) }) {
      exposition.sample("elastic_local_calls_total", ["verb": call.verb, "outcome": call.outcome], Double(count))
    }
    exposition.family("elastic_local_calls_in_flight", "gauge", "Number of calls in progress.")
    exposition.sample("elastic_local_calls_in_flight", [:], Double(state.inFlight))
    exposition.family(
      "elastic_local_connections_refused_total", "counter",
      "Number of refused connections: the peer was not root, or sent no request.")
    exposition.sample("elastic_local_connections_refused_total", [:], Double(state.refusedConnections))
    exposition.family("elastic_local_call_seconds", "histogram", "Time from request to reply in seconds.")
    for (verb, histogram) in state.callSeconds.sorted(by: { $0.key < $1.key }) {
      exposition.add(histogram, "elastic_local_call_seconds", ["verb": verb])
    }
    exposition.family("elastic_local_phase_seconds", "histogram", "Time of each phase of a call in seconds.")
    for (phase, histogram) in state.phases.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      exposition.add(histogram, "elastic_local_phase_seconds", ["phase": phase.rawValue])
    }
  }

  private mutating func addGroups(_ groups: [GroupCapacity]) {
    let gauges: [(String, String, (GroupCapacity) -> Double?)] = [
      ("elastic_local_group_total_bytes", "Size of the group in bytes.", { Double($0.totalBytes) }),
      ("elastic_local_group_free_bytes", "Free space for new volumes in bytes.", { Double($0.freeBytes) }),
      (
        "elastic_local_group_foreign_bytes", "Space in bytes that is used, but not by volumes of ours.",
        { Double($0.foreignBytes) }
      ),
      ("elastic_local_group_volumes", "Number of volumes of ours.", { Double($0.volumes) }),
      (
        "elastic_local_group_metadata_free_bytes", "Free space in LVM's metadata area in bytes.",
        { $0.metadataFreeBytes.map(Double.init) }
      ),
      (
        "elastic_local_group_metadata_bytes", "Size of LVM's metadata area in bytes.",
        { $0.metadataTotalBytes.map(Double.init) }
      ),
      (
        "elastic_local_thin_virtual_bytes", "Sum of the virtual sizes in the thin pool in bytes.",
        { $0.thin.map { Double($0.virtualBytes) } }
      ),
      (
        "elastic_local_thin_ceiling_bytes", "Limit of the sum of virtual sizes in the thin pool in bytes.",
        { $0.thin.map { Double($0.ceilingBytes) } }
      ),
      (
        "elastic_local_thin_data_percent", "Used share of the thin pool's data space in percent.",
        { $0.thin?.dataPercent }
      ),
      (
        "elastic_local_thin_metadata_percent", "Used share of the thin pool's metadata space in percent.",
        { $0.thin?.metadataPercent }
      ),
      (
        "elastic_local_thin_pool_abnormal",
        "Whether the kernel reports an error on the thin pool (0 or 1).",
        { $0.thin?.complaint.map { $0.isEmpty ? 0 : 1 } }
      ),
    ]
    exposition.family(
      "elastic_local_group_unusable", "gauge",
      "Whether no volume can be created in the group (0 or 1), with the reason; empty when volumes can be created.")
    for group in groups {
      let labels = ["group": group.group, "reason": group.trouble?.reason.rawValue ?? ""]
      exposition.sample("elastic_local_group_unusable", labels, group.trouble == nil ? 0 : 1)
    }
    for (name, help, value) in gauges {
      exposition.family(name, "gauge", help)
      for group in groups {
        if let number = value(group) { exposition.sample(name, ["group": group.group], number) }
      }
    }
  }

  private mutating func add(_ loads: [LaneLoad]) {
    let gauges: [(String, String, (LaneLoad) -> Double)] = [
      (
        "elastic_local_threads_busy", "Number of blocking calls in progress, by kind of work and group.",
        { Double($0.busy) }
      ),
      ("elastic_local_threads_limit", "Limit of the number of blocking calls in progress.", { Double($0.limit) }),
      ("elastic_local_threads_waiting", "Number of blocking calls that wait for a thread.", { Double($0.waiting) }),
      (
        "elastic_local_threads_oldest_seconds", "Age of the oldest blocking call in progress in seconds.",
        { $0.oldest.inSeconds }
      ),
    ]
    for (name, help, value) in gauges {
      exposition.family(name, "gauge", help)
      for load in loads { exposition.sample(name, ["work": load.work, "group": load.group], value(load)) }
    }
  }

  private mutating func add(_ runs: [LongRun]) {
    exposition.family(
      "elastic_local_long_work", "gauge", "Number of programs that work on volumes (mkfs, e2fsck, growth).")
    for phase in LongRun.Phase.allCases {
      let count = runs.count { $0.phase == phase }
      exposition.sample("elastic_local_long_work", ["phase": phase.rawValue], Double(count))
    }
    exposition.family(
      "elastic_local_long_work_oldest_seconds", "gauge", "Age of the oldest program that works on a volume in seconds.")
    for phase in LongRun.Phase.allCases {
      let oldest = runs.filter { $0.phase == phase }.map(\.age).max() ?? .zero
      exposition.sample("elastic_local_long_work_oldest_seconds", ["phase": phase.rawValue], oldest.inSeconds)
    }
  }

  private mutating func addCommands(_ activity: EngineActivity) {
    exposition.family(
      "elastic_local_engine_commands_total", "counter", "Number of engine commands, by name and success.")
    let counts = activity.counts.sorted {
      ($0.key.command, "\($0.key.succeeded)") < ($1.key.command, "\($1.key.succeeded)")
    }
    for (key, count) in counts {
      exposition.sample(
        "elastic_local_engine_commands_total", ["command": key.command, "succeeded": "\(key.succeeded)"], Double(count))
    }
    exposition.family(
      "elastic_local_engine_command_seconds_total", "counter", "Time spent in engine commands in seconds.")
    for (command, seconds) in activity.seconds.sorted(by: { $0.key < $1.key }) {
      exposition.sample("elastic_local_engine_command_seconds_total", ["command": command], seconds)
    }
    exposition.family(
      "elastic_local_engine_running_seconds", "gauge", "Age of the running engine command in seconds; 0 when idle."
    )
    exposition.sample("elastic_local_engine_running_seconds", [:], activity.runningSeconds ?? 0)
  }
}
