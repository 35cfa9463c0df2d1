/// A page of metrics, in the text format of Prometheus.
struct Metrics {
  struct Sample {
    let name: String
    let labels: [String: String]
    let value: Double
  }

  let samples: [Sample]

  /// - Parameter page: a page of our programs. Their labels contain neither commas nor quotes.
  init(_ page: String) {
    samples = page.split(whereSeparator: \.isNewline).compactMap(Self.sample)
  }

  private static func sample(_ line: Substring) -> Sample? {
    let words = line.split(separator: " ")
    guard words.count == 2, line.first != "#", let value = Double(words[1]) else { return nil }
    let parts = words[0].split(separator: "{", maxSplits: 1)
    let pairs = (parts.count > 1 ? parts[1] : "").split { $0 == "," || $0 == "}" }.compactMap { pair in
      let sides = pair.split(separator: "=", maxSplits: 1)
      return sides.count == 2 ? (String(sides[0]), String(sides[1].filter { $0 != "\"" })) : nil
    }
    return Sample(name: String(parts[0]), labels: Dictionary(pairs) { first, _ in first }, value: value)
  }

  /// The sum of all samples of a name with the wanted labels; 0 if there is none.
  func sum(_ name: String, where isWanted: ([String: String]) -> Bool = { _ in true }) -> Double {
    samples.reduce(0) { $1.name == name && isWanted($1.labels) ? $0 + $1.value : $0 }
  }
}

// MARK: - The daemon

extension Metrics {
  /// The time spent in a phase of calls, such as `format`.
  func time(inPhase phase: String) -> Duration {
    .seconds(sum("elastic_local_phase_seconds_sum") { $0["phase"] == phase })
  }

  /// The time spent in calls of a verb, such as `mount`.
  func time(ofCalls verb: String) -> Duration {
    .seconds(sum("elastic_local_call_seconds_sum") { $0["verb"] == verb })
  }

  /// The time spent in an LVM command, such as `lvcreate`.
  func time(ofCommand command: String) -> Duration {
    .seconds(sum("elastic_local_engine_command_seconds_total") { $0["command"] == command })
  }

  /// The number of LVM commands.
  var commands: Int { Int(sum("elastic_local_engine_commands_total")) }

  /// The number of LVM commands that only read.
  var reports: Int {
    let reading: Set = ["fullreport", "lvs", "vgs", "pvs"]
    return Int(sum("elastic_local_engine_commands_total") { reading.contains($0["command"] ?? "") })
  }

  var children: Int { Int(sum("elastic_local_child_processes_total")) }
}
