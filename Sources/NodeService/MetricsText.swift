internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel

/// Writes metrics in Prometheus' text format, version 0.0.4.
struct MetricsText {
  private var lines: [String] = []

  var text: String { lines.joined(separator: "\n") + "\n" }

  init(_ state: Metrics.State, groups: [GroupCapacity], activity: EngineActivity, interrupted: Int?, release: String) {
    family("elastic_local_build_info", "gauge", "The release that runs.")
    sample("elastic_local_build_info", ["release": release], 1)
    addCalls(state)
    addGroups(groups)
    addCommands(activity)
    family("elastic_local_process_resident_bytes", "gauge", "Resident memory of the daemon.")
    sample("elastic_local_process_resident_bytes", [:], Double(OwnProcess.residentMemory.bytes))
    family("elastic_local_child_processes_total", "counter", "Programs started (mkfs, e2fsck, grow tools).")
    sample("elastic_local_child_processes_total", [:], Double(ChildProcess.startedCount))
    guard let interrupted else { return }
    family("elastic_local_interrupted_creations", "gauge", "Volumes whose making was begun and is not finished.")
    sample("elastic_local_interrupted_creations", [:], Double(interrupted))
  }

  private mutating func addCalls(_ state: Metrics.State) {
    family("elastic_local_calls_total", "counter", "Calls by verb and outcome (success or an error code).")
    for (call, count) in state.calls.sorted(by: { ($0.key.verb, $0.key.outcome) < ($1.key.verb, $1.key.outcome) }) {
      sample("elastic_local_calls_total", ["verb": call.verb, "outcome": call.outcome], Double(count))
    }
    family("elastic_local_calls_in_flight", "gauge", "Calls being served.")
    sample("elastic_local_calls_in_flight", [:], Double(state.inFlight))
    family("elastic_local_connections_refused_total", "counter", "Connections refused: not root, or too many.")
    sample("elastic_local_connections_refused_total", [:], Double(state.refusedConnections))
    family("elastic_local_call_seconds", "histogram", "Time from request to reply.")
    for (verb, histogram) in state.callSeconds.sorted(by: { $0.key < $1.key }) {
      add(histogram, "elastic_local_call_seconds", ["verb": verb])
    }
    family("elastic_local_phase_seconds", "histogram", "Time of each phase of a call.")
    for (phase, histogram) in state.phases.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      add(histogram, "elastic_local_phase_seconds", ["phase": phase.rawValue])
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
    ]
    for (name, help, value) in gauges {
      let samples = groups.compactMap { group in value(group).map { (group.group, $0) } }
      guard !samples.isEmpty else { continue }
      family(name, "gauge", help)
      for (group, number) in samples { sample(name, ["group": group], number) }
    }
  }

  private mutating func addCommands(_ activity: EngineActivity) {
    family("elastic_local_engine_commands_total", "counter", "Commands of the engine by name and success.")
    let counts = activity.counts.sorted {
      ($0.key.command, "\($0.key.succeeded)") < ($1.key.command, "\($1.key.succeeded)")
    }
    for (key, count) in counts {
      sample(
        "elastic_local_engine_commands_total", ["command": key.command, "succeeded": "\(key.succeeded)"], Double(count))
    }
    family("elastic_local_engine_command_seconds_total", "counter", "Time spent in commands of the engine.")
    for (command, seconds) in activity.seconds.sorted(by: { $0.key < $1.key }) {
      sample("elastic_local_engine_command_seconds_total", ["command": command], seconds)
    }
    family(
      "elastic_local_engine_running_seconds", "gauge", "For how long the running command has been running; 0 when idle."
    )
    sample("elastic_local_engine_running_seconds", [:], activity.runningSeconds ?? 0)
  }

  private mutating func add(_ histogram: Metrics.Histogram, _ name: String, _ labels: [String: String]) {
    for (bound, count) in zip(Metrics.Histogram.bounds, histogram.counts) {
      sample(name + "_bucket", labels.merging(["le": "\(bound)"]) { $1 }, Double(count))
    }
    sample(name + "_bucket", labels.merging(["le": "+Inf"]) { $1 }, Double(histogram.count))
    sample(name + "_sum", labels, histogram.sum)
    sample(name + "_count", labels, Double(histogram.count))
  }

  private mutating func family(_ name: String, _ type: String, _ help: String) {
    lines.append("# HELP \(name) \(help)")
    lines.append("# TYPE \(name) \(type)")
  }

  private mutating func sample(_ name: String, _ labels: [String: String], _ value: Double) {
    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
    let text = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    lines.append(pairs.isEmpty ? "\(name) \(text)" : "\(name){\(pairs.joined(separator: ","))} \(text)")
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}
