import Testing
import VolumeHost

/// The example of docs/flexvolume.md: it compiles, and does what the page says.
@Suite("The documented example")
struct ExampleTests {
  @Test("A pod's volume is mounted, and after a simulated minute of failures it still is")
  func example() async throws {
    // A driver that answers from a script; `ProcessRunner()` runs real ones.
    struct Script: DriverRunner {
      func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
        DriverProcess(output: #"{"status":"Success","capabilities":{"attach":false}}"#)
      }
    }

    let time = SimulatedTime()  // or SystemTime()
    let host = PluginHost(version: .newest, files: SimulatedFiles(), time: time)  // or LinuxFiles()
    let driver = FlexDriver(
      name: try #require(DriverName("example.org/bind")), pluginDirectory: "/plugins", version: host.version,
      runner: Script())
    let manager = PluginManager()
    try await manager.register(FlexCore.load(driver, on: host))
    let node = NodeVolumes(host: host, manager: manager)

    let volume = VolumeSpec.inline("data", FlexSource(driver: "example.org/bind", options: ["size": "1Gi"]))
    let pod = Pod(name: "db", uid: "6f1c", volumes: [volume])
    time.start { await node.reconcile() }
    time.perform { await node.run(pod) }
    time.run(for: .seconds(60))
    #expect(await node.isReady(pod.uid))
  }
}
