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
    exposition.family("elastic_local_build_info", "gauge", "The release that runs.")
    exposition.sample("elastic_local_build_info", ["release": release], 1)
    addCalls(state)
    addGroups(groups)
    addCommands(activity)
    add(loads)
    add(runs)
    exposition.family("elastic_local_process_resident_bytes", "gauge", "Resident memory of the daemon.")
    exposition.sample("elastic_local_process_resident_bytes", [:], Double(OwnProcess.residentMemory.bytes))
    exposition.family("elastic_local_child_processes_total", "counter", "Programs started (mkfs, e2fsck, grow tools).")
    exposition.sample("elastic_local_child_processes_total", [:], Double(ChildProcess.startedCount))
    exposition.family("elastic_local_log_lines_dropped_total", "counter", "Lines of the log that nobody read.")
    exposition.sample("elastic_local_log_lines_dropped_total", Double(droppedLines))
    if let cluster { exposition.add(cluster) }
    guard let interrupted else { return }
    exposition.family(
      "elastic_local_interrupted_creations", "gauge",
      "Volumes whose creation was begun, is not finished, and is not going on.")
    exposition.sample("elastic_local_interrupted_creations", [:], Double(interrupted))
  }

  private mutating func addCalls(_ state: Metrics.State) {
    exposition.family("elastic_local_calls_total", "counter", "Calls by verb and outcome (success or an error code).")
    for (call, count) in state.calls.sorted(by: { ($0.key.verb, $0.key.outcome) < ($1.key.verb, $1.key.outcome) }) {
      exposition.sample("elastic_local_calls_total", ["verb": call.verb, "outcome": call.outcome], Double(count))
    }
    exposition.family("elastic_local_calls_in_flight", "gauge", "Calls being served.")
    exposition.sample("elastic_local_calls_in_flight", [:], Double(state.inFlight))
    exposition.family(
      "elastic_local_connections_refused_total", "counter", "Connections refused: not root, or no request.")
    exposition.sample("elastic_local_connections_refused_total", [:], Double(state.refusedConnections))
    exposition.family("elastic_local_call_seconds", "histogram", "Time from request to reply.")
    for (verb, histogram) in state.callSeconds.sorted(by: { $0.key < $1.key }) {
      exposition.add(histogram, "elastic_local_call_seconds", ["verb": verb])
    }
    exposition.family("elastic_local_phase_seconds", "histogram", "Time of each phase of a call.")
    for (phase, histogram) in state.phases.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      exposition.add(histogram, "elastic_local_phase_seconds", ["phase": phase.rawValue])
    }
  }

  private mutating func addGroups(_ groups: [GroupCapacity]) {
    let gauges: [(String, String, (GroupCapacity) -> Double?)] = [
      ("elastic_local_group_total_bytes", "Size of the group.", { Double($0.totalBytes) }),
      ("elastic_local_group_free_bytes", "Room for new volumes.", { Double($0.freeBytes) }),
      ("elastic_local_group_foreign_bytes", "Used by what is not ours.", { Double($0.foreignBytes) }),
      ("elastic_local_group_volumes", "Volumes of ours.", { Double($0.volumes) }),
      (
        "elastic_local_group_metadata_free_bytes", "Room in LVM's metadata area.",
        { $0.metadataFreeBytes.map(Double.init) }
      ),
      (
        "elastic_local_group_metadata_bytes", "Size of LVM's metadata area.", { $0.metadataTotalBytes.map(Double.init) }
      ),
      (
        "elastic_local_thin_virtual_bytes", "Sum of virtual sizes in the thin pool.",
        { $0.thin.map { Double($0.virtualBytes) } }
      ),
      (
        "elastic_local_thin_ceiling_bytes", "The most that sum may become.", { $0.thin.map { Double($0.ceilingBytes) } }
      ),
      ("elastic_local_thin_data_percent", "How full the thin pool's data is.", { $0.thin?.dataPercent }),
      ("elastic_local_thin_metadata_percent", "How full the thin pool's metadata is.", { $0.thin?.metadataPercent }),
      (
        "elastic_local_thin_pool_abnormal",
        "1 while the kernel holds something against the thin pool.",
        { $0.thin?.complaint.map { $0.isEmpty ? 0 : 1 } }
      ),
    ]
    exposition.family(
      "elastic_local_group_unusable", "gauge",
      "Whether no volume can be made in the group (0 or 1), with the reason; an empty reason when one can.")
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
      ("elastic_local_threads_busy", "Blocking calls that go on, by kind of work and group.", { Double($0.busy) }),
      ("elastic_local_threads_limit", "The most of them at a time.", { Double($0.limit) }),
      ("elastic_local_threads_waiting", "Blocking calls that wait for a thread.", { Double($0.waiting) }),
      (
        "elastic_local_threads_oldest_seconds", "For how long the oldest blocking call has not returned.",
        { $0.oldest.inSeconds }
      ),
    ]
    for (name, help, value) in gauges {
      exposition.family(name, "gauge", help)
      for load in loads { exposition.sample(name, ["work": load.work, "group": load.group], value(load)) }
    }
  }

  private mutating func add(_ runs: [LongRun]) {
    exposition.family("elastic_local_long_work", "gauge", "Programs that work on volumes (mkfs, e2fsck, growth).")
    for phase in LongRun.Phase.allCases {
      let count = runs.count { $0.phase == phase }
      exposition.sample("elastic_local_long_work", ["phase": phase.rawValue], Double(count))
    }
    exposition.family(
      "elastic_local_long_work_oldest_seconds", "gauge", "For how long the oldest of them has been working.")
    for phase in LongRun.Phase.allCases {
      let oldest = runs.filter { $0.phase == phase }.map(\.age).max() ?? .zero
      exposition.sample("elastic_local_long_work_oldest_seconds", ["phase": phase.rawValue], oldest.inSeconds)
    }
  }

  private mutating func addCommands(_ activity: EngineActivity) {
    exposition.family("elastic_local_engine_commands_total", "counter", "Commands of the engine by name and success.")
    let counts = activity.counts.sorted {
      ($0.key.command, "\($0.key.succeeded)") < ($1.key.command, "\($1.key.succeeded)")
    }
    for (key, count) in counts {
      exposition.sample(
        "elastic_local_engine_commands_total", ["command": key.command, "succeeded": "\(key.succeeded)"], Double(count))
    }
    exposition.family("elastic_local_engine_command_seconds_total", "counter", "Time spent in commands of the engine.")
    for (command, seconds) in activity.seconds.sorted(by: { $0.key < $1.key }) {
      exposition.sample("elastic_local_engine_command_seconds_total", ["command": command], seconds)
    }
    exposition.family(
      "elastic_local_engine_running_seconds", "gauge", "For how long the running command has been running; 0 when idle."
    )
    exposition.sample("elastic_local_engine_running_seconds", [:], activity.runningSeconds ?? 0)
  }
}
