import LinuxSystem
import LogicalVolumes
import StorageModel
import Testing

@testable import NodeService
import Telemetry

@Suite("Log lines")
struct LogTests {

  private func line(_ format: Log.Format, _ message: String, _ values: [String: String]) -> String {
    let lines = Counted()
    let log = Log(format: format, node: "node-1", now: { Timestamp(seconds: 1_795_231_682) }) { lines.append($0) }
    log.notice(message, values)
    #expect(lines.all.count == 1)
    return lines.all.first ?? ""
  }

  @Test("a text line has time, level, message and sorted keys; empty values are left out, blanks are quoted")
  func text() {
    #expect(
      line(.text, "volume created", ["volume": "pvc-1", "size": "1 GiB", "pod": "", "group": "vg"])
        == "2026-11-21T03:28:02.000Z notice volume created group=vg size=\"1 GiB\" volume=pvc-1")
  }

  @Test("a JSON line is an object with time, level, message, node and the values")
  func json() {
    #expect(
      line(.json, "volume created", ["volume": "pvc-1", "path": "/a/b", "pod": ""])
        == #"{"level":"notice","message":"volume created","node":"node-1","path":"/a/b","time":"2026-11-21T03:28:02.000Z","volume":"pvc-1"}"#
    )
  }

  @Test(
    "whatever a value holds, a line stays one line and no control character gets through",
    arguments: Log.Format.allCases)
  func oneLine(_ format: Log.Format) {
    let nasty = [
      "a\nb", "a\r\nb", "\u{1B}[31mred", "tab\there", "nul\u{0}", "\u{7F}", "quote\"back\\slash", "\u{85}next",
      "\u{2028}line", "\u{2029}paragraph", "\u{9B}31m", "pod=forged level=error", String(repeating: "x", count: 10_000),
    ]
    for value in nasty {
      let line = line(format, "call failed", ["reason": value])
      // JSON escapes what it must; a reader of it shows no character before it has parsed the line.
      let bad = line.unicodeScalars.filter {
        let isFurther = (0x7F...0x9F).contains($0.value) || $0.value == 0x2028 || $0.value == 0x2029
        return $0.value < 0x20 || (format == .text && isFurther)
      }
      #expect(bad.isEmpty, "\(value.debugDescription) came out as \(line.debugDescription.prefix(200))")
    }
    #expect(line(.text, "call failed", ["reason": "pod=forged"]).hasSuffix("reason=pod=forged"))
    #expect(line(.text, "call failed", ["reason": "a pod=forged"]).hasSuffix("reason=\"a pod=forged\""))
  }
}

@Suite("Metrics as text")
struct MetricsTextTests {
  private func text(
    _ metrics: Metrics, groups: [GroupCapacity] = [], activity: EngineActivity = EngineActivity(),
    cluster: Exposition? = nil
  ) -> String {
    MetricsText(
      metrics.snapshot, groups: groups, activity: activity, interrupted: 2, release: "0.1.0", cluster: cluster
    ).text
  }

  @Test("a group that cannot be used is shown with the reason, in the metrics and in status")
  func unusableGroups() {
    var closed = GroupCapacity(
      group: "vg-1", totalBytes: 100, freeBytes: 60, foreignBytes: 0, extentBytes: 4, volumes: 1)
    closed.close(GroupTrouble(.exported, "volume group \"vg-1\" is exported"))
    let well = GroupCapacity(group: "vg-2", totalBytes: 100, freeBytes: 60, foreignBytes: 0, extentBytes: 4, volumes: 1)
    let unknown = GroupCapacity(group: "vg-3", trouble: GroupTrouble(.missing, "volume group \"vg-3\" does not exist"))
    let text = text(Metrics(), groups: [closed, well, unknown])
    for line in [
      #"elastic_local_group_unusable{group="vg-1",reason="exported"} 1"#,
      #"elastic_local_group_unusable{group="vg-2",reason=""} 0"#,
      #"elastic_local_group_unusable{group="vg-3",reason="missing"} 1"#,
      #"elastic_local_group_free_bytes{group="vg-1"} 0"#, #"elastic_local_group_free_bytes{group="vg-2"} 60"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
  }

  private func sample() -> String {
    let metrics = Metrics()
    metrics.beginCall()
    metrics.endCall("mount", outcome: "success", .milliseconds(3))
    metrics.beginCall()
    metrics.endCall("other", outcome: "unsupported", .seconds(200))
    metrics.beginCall()
    metrics.record(.format, .milliseconds(80))
    metrics.refuseConnection()
    let recorder = FlightRecorder()
    recorder.begin("lvcreate x")
    recorder.end(name: "lvcreate", returnCode: 1, succeeded: true, messages: "")
    var group = GroupCapacity(
      group: "a\"b\\c\nd", totalBytes: 1 << 40, freeBytes: 5, foreignBytes: 0, extentBytes: 1, volumes: 7)
    group.thin = ThinPoolUse(
      pool: "p", sizeBytes: 1, virtualBytes: 2, ceilingBytes: 3, dataPercent: 12.5, complaint: "failed")
    var cluster = Exposition()
    cluster.family("elastic_local_pvs", "gauge", "PVs that name this node.")
    cluster.sample("elastic_local_pvs", 9)
    return text(metrics, groups: [group], activity: recorder.snapshot, cluster: cluster)
  }

  @Test("metrics of alerts are present even while they have nothing to report")
  func announced() {
    let quiet = text(Metrics())
    for name in [
      "group_total_bytes", "group_metadata_bytes", "thin_data_percent", "thin_metadata_percent", "thin_pool_abnormal",
    ] {
      #expect(quiet.contains("# TYPE elastic_local_\(name) gauge\n"), "\(name)")
      #expect(!quiet.contains("\nelastic_local_\(name)"), "\(name)")
    }
  }

  @Test("metrics of the cluster follow those of the node, and are absent on a node without a cluster")
  func cluster() {
    #expect(sample().contains("\nelastic_local_pvs 9\n"))
    #expect(!text(Metrics()).contains("elastic_local_pvs"))
  }

  @Test("every sample belongs to the family above it, which has HELP and TYPE once, and no sample comes twice")
  func format() throws {
    var families: [String: String] = [:]
    var current = ""
    var seen: Set<String> = []
    for line in sample().split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if line.hasPrefix("# HELP ") {
        current = String(line.split(separator: " ")[2])
        #expect(families[current] == nil, "\(current) comes once")
        families[current] = ""
      } else if line.hasPrefix("# TYPE ") {
        let words = line.split(separator: " ")
        #expect(String(words[2]) == current)
        #expect(["gauge", "counter", "histogram"].contains(words[3]))
        families[current] = String(words[3])
      } else {
        let name = String(line.prefix { $0 != "{" && $0 != " " })
        let isHistogram = families[current] == "histogram"
        let names = isHistogram ? ["_bucket", "_sum", "_count"].map { current + $0 } : [current]
        #expect(names.contains(name), "\(line) under \(current)")
        #expect(seen.insert(String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])).inserted, "\(line) comes once")
        let number = try #require(line.split(separator: " ").last)
        #expect(Double(number) != nil, "\(line)")
      }
    }
    #expect(families.count > 15)
    #expect(families.allSatisfy { $0.key.hasPrefix("elastic_local_") && !$0.value.isEmpty })
    let counters = families.filter { $0.value == "counter" }.keys
    #expect(counters.allSatisfy { $0.hasSuffix("_total") })
  }

  @Test("label values are escaped, and whole numbers have no fraction")
  func samples() {
    let text = sample()
    for line in [
      #"elastic_local_group_total_bytes{group="a\"b\\c\nd"} 1099511627776"#,
      #"elastic_local_calls_total{outcome="success",verb="mount"} 1"#,
      #"elastic_local_calls_total{outcome="unsupported",verb="other"} 1"#,
      #"elastic_local_calls_in_flight 1"#, #"elastic_local_connections_refused_total 1"#,
      #"elastic_local_call_seconds_bucket{le="0.0025",verb="mount"} 0"#,
      #"elastic_local_call_seconds_bucket{le="0.005",verb="mount"} 1"#,
      #"elastic_local_call_seconds_bucket{le="+Inf",verb="mount"} 1"#,
      #"elastic_local_call_seconds_bucket{le="120.0",verb="other"} 0"#,
      #"elastic_local_call_seconds_bucket{le="+Inf",verb="other"} 1"#,
      #"elastic_local_call_seconds_count{verb="mount"} 1"#, #"elastic_local_phase_seconds_sum{phase="format"} 0.08"#,
      #"elastic_local_engine_commands_total{command="lvcreate",succeeded="true"} 1"#,
      #"elastic_local_interrupted_creations 2"#, #"elastic_local_build_info{release="0.1.0"} 1"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    #expect(text.contains(#"elastic_local_thin_data_percent{group="a\"b\\c\nd"} 12.5"#))
    #expect(!text.contains("\nelastic_local_thin_metadata_percent"), "what is not known is not shown as zero")
  }
}

@Suite("Faults to inject")
struct StepFaultTests {
  @Test("every step point and action is understood, and nothing else")
  func parsing() throws {
    for point in StepPoint.allCases {
      #expect(try StepFault(parsing: "\(point.rawValue):kill").action == .kill)
      #expect(try StepFault(parsing: "\(point.rawValue):fail").point == point)
      #expect(try StepFault(parsing: "\(point.rawValue):kill-after-15").action == .killAfter(milliseconds: 15))
      #expect(try StepFault(parsing: "\(point.rawValue):hang").action == .hang)
    }
    for text in [
      "", "staged", "staged:", ":kill", "staged:explode", "nowhere:kill", "staged:kill-after-x", "staged: kill",
    ] {
      #expect(throws: VolumeError.self, "\(text)") { try StepFault(parsing: text) }
    }
  }

  @Test("an injected failure hits its point alone")
  func failing() async throws {
    let points = try StepFault(parsing: "staged:fail").stepPoints
    for point in StepPoint.allCases where point != .staged { try await points.reach(point) }
    await #expect(throws: VolumeError.self) { try await points.reach(.staged) }
  }
}
