import Foundation
import Testing
import VolumeHost

// example
/// A driver that does not attach, as a script; `ProcessRunner()` runs executables.
struct Script: DriverRunner {
  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    DriverProcess(output: #"{"status":"Success","capabilities":{"attach":false}}"#)
  }
}

func runPod() async throws -> Bool {
  let time = SimulatedTime()  // or SystemTime()
  let host = PluginHost(version: .newest, files: SimulatedFiles(), time: time)  // or LinuxFiles()
  guard let name = DriverName("example.org/bind") else { return false }
  let driver = FlexDriver(name: name, pluginDirectory: "/plugins", version: host.version, runner: Script())
  let manager = PluginManager()
  try await manager.register(FlexCore.load(driver, on: host))
  let node = NodeVolumes(host: host, manager: manager)

  let volume = VolumeSpec.inline("data", FlexSource(driver: "example.org/bind", options: ["size": "1Gi"]))
  let pod = Pod(name: "db", uid: "6f1c", volumes: [volume])
  time.start { await node.reconcile() }  // or a task of your own
  time.perform { await node.run(pod) }  // or await node.run(pod)
  time.run(for: .seconds(60))
  return await node.isReady(pod.uid)
}
// end

/// The example of the pages. It compiles, does what the pages say, and is the same in all of them.
@Suite("The documented example")
struct ExampleTests {
  @Test("A pod's volume is mounted in a simulated minute")
  func example() async throws {
    #expect(try await runPod())
  }

  @Test(
    "A page has the example that is compiled here, word for word",
    arguments: ["docs/flexvolume.md", "Sources/VolumeHost/VolumeHost.docc/VolumeHost.md"])
  func same(page: String) throws {
    let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
    let example = try #require(source.components(separatedBy: "// example\n").dropFirst().first)
    let code = try #require(example.components(separatedBy: "// end\n").first)
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
    #expect(text.contains("```swift\n" + code + "```"))
  }
}
