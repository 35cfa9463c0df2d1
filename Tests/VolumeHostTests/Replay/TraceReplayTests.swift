import Foundation
import LinuxSystem
import Testing
import VolumeHost

@Suite("Recorded kubelets and controller-managers")
struct TraceReplayTests {
  @Test(
    "Every situation of a recorded run is played with the same calls in the same order",
    arguments: ["1.20.2", "1.36.2"])
  func replay(name: String) throws { play(try Trace(name), name) }

  /// A recording that is not in the repository. `Traces/replay` sets the variable.
  @Test(
    "Every situation of another recording is played too",
    .enabled(if: Self.otherTrace != nil, "no recording in VOLUMEHOST_TRACE"))
  func replayAnother() throws {
    let path = try #require(Self.otherTrace)
    play(try Trace(path: path), "recording")
  }

  @Test(
    "A recording with unknown situations is converted and played",
    .enabled(if: Tools.find("python3") != nil, "skipped: needs python3"), arguments: [("example", 9), ("notes", 12)])
  func convert(name: String, situations: Int) throws {
    let directory = try TemporaryDirectory()
    let traces = URL(filePath: #filePath).appending(path: "../../Traces").standardized
    let result = try ChildProcess.run(
      try #require(Tools.find("python3")),
      [
        traces.appending(path: "convert.py").path, "1.20.2",
        traces.appending(path: "\(name).recording.jsonl").path, directory["golden"],
      ], deadline: .seconds(60))
    #expect(result.isSuccess, "\(result.output)")
    let trace = try Trace(path: directory["golden"])
    #expect(trace.version == Sample.version("1.20") && trace.situations.count == situations)
    play(trace, name)
  }

  private static let otherTrace = ProcessInfo.processInfo.environment["VOLUMEHOST_TRACE"]

  private func play(_ trace: Trace, _ name: String) {
    let world = ReplayWorld(version: trace.version)
    var played = 0
    for situation in trace.situations {
      let differences = world.play(situation)
      if differences.isEmpty { played += 1 }
      for difference in differences {
        Issue.record("\(name), \(situation.head.situation ?? ""): \(difference)")
      }
    }
    print("\(name): \(played) of \(trace.situations.count) situations replayed")
  }

  @Test(
    "A recording does not play with the other version: the comparison distinguishes them",
    arguments: ["1.20.2", "1.36.2"])
  func otherVersion(name: String) throws {
    let trace = try Trace(name)
    let world = ReplayWorld(version: Sample.version(name == "1.20.2" ? "1.36" : "1.20"))
    let different = trace.situations.filter { !world.play($0).isEmpty }.compactMap(\.head.situation)
    #expect(different.contains { $0.hasPrefix("kubelet stopped and started, volume mounted (bind mount") })
    #expect(different.count >= 3, "\(different)")
  }
}
