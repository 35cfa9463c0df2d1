import Synchronization
import Testing
import VolumeHost

@Suite("Finding plugins")
struct PluginManagerTests {
  private static let spec = VolumeSpec.inline("v", FlexSource(driver: "example.org/bind"))

  private func plugin(_ name: String, attach: Bool = false, version: String = "1.36") async throws -> any FlexPlugin {
    let runner = ScriptedRunner(#"{"status":"Success","capabilities":{"attach":\#(attach)}}"#)
    let host = PluginHost(version: Sample.version(version), files: SimulatedFiles(), time: SimulatedTime())
    let driver = FlexDriver(name: Sample.driver(name), pluginDirectory: "/p", version: host.version, runner: runner)
    return try await FlexCore.load(driver, on: host)
  }

  @Test("A plugin is found by name and by volume")
  func found() async throws {
    let manager = PluginManager()
    try await manager.register(plugin("example.org/bind"))
    #expect(try await manager.plugin(named: "example.org/bind").name == "example.org/bind")
    #expect(try await manager.plugin(for: Self.spec).name == "example.org/bind")
  }

  @Test("No match and two matches are errors, and the error names the two")
  func notOne() async throws {
    let manager = PluginManager()
    await #expect(throws: VolumeFailure.final("no volume plugin matched")) { try await manager.plugin(for: Self.spec) }
    await #expect(throws: VolumeFailure.final("no volume plugin matched")) { try await manager.plugin(named: "x") }
    try await manager.register(plugin("example.org/bind"))
    try await manager.register(plugin("example.org/bind", version: "1.8"))
    await #expect(
      throws: VolumeFailure.final("multiple volume plugins matched: example.org/bind,flexvolume-example.org/bind")
    ) { try await manager.plugin(for: Self.spec) }
  }

  @Test("A name can be registered only once")
  func twice() async throws {
    let manager = PluginManager()
    try await manager.register(plugin("example.org/bind"))
    await #expect(throws: VolumeFailure.final("volume plugin \"example.org/bind\" was registered more than once")) {
      try await manager.register(plugin("example.org/bind"))
    }
  }

  @Test("Attach queries return nil for a plugin that does not attach, and the plugin otherwise")
  func attachable() async throws {
    let manager = PluginManager()
    try await manager.register(plugin("example.org/bind"))
    #expect(try await manager.attachable(for: Self.spec) == nil)
    #expect(try await manager.attachable(named: "example.org/bind") == nil)
    #expect(try await manager.deviceMountable(for: Self.spec) == nil)
    try await manager.register(plugin("example.org/att", attach: true))
    let spec = VolumeSpec.inline("v", FlexSource(driver: "example.org/att"))
    #expect(try await manager.attachable(for: spec)?.name == "example.org/att")
    #expect(try await manager.deviceMountable(named: "example.org/att")?.name == "example.org/att")
  }

  @Test("A query for a missing ability returns nil where such volumes are common and throws otherwise")
  func finders() async throws {
    let manager = PluginManager()
    try await manager.register(plugin("example.org/bind"))
    #expect(try await manager.expandable(for: Self.spec) != nil)
    #expect(try await manager.nodeExpandable(for: Self.spec) != nil)
    #expect(try await manager.block(for: Self.spec) == nil)
    #expect(try await manager.persistent(for: Self.spec).accessModes == [.readWriteOnce, .readOnlyMany])
    #expect(await manager.limited().isEmpty)
    await #expect(throws: VolumeFailure.final("no recyclable volume plugin matched")) {
      try await manager.recyclable(for: Self.spec)
    }
    await #expect(throws: VolumeFailure.final("no deletable volume plugin matched")) {
      try await manager.deletable(for: Self.spec)
    }
    await #expect(throws: VolumeFailure.final("no provisionable volume plugin matched")) {
      try await manager.provisionable(named: "example.org/bind")
    }
  }
}

/// Changes that a test sets.
final class ScriptedChanges: DriverChanges {
  private let waiting = Mutex<[DriverChange]>([])

  func add(_ changes: DriverChange...) { waiting.withLock { $0 += changes } }

  func next() -> [DriverChange] {
    waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}

@Suite("Drivers that come and go")
struct FlexProberTests {
  private static let good = Sample.driver("example.org/good")
  private static let broken = Sample.driver("example.org/broken")

  private func prober(_ version: String = "1.36") -> (FlexProber, ScriptedChanges, ScriptedRunner) {
    let changes = ScriptedChanges()
    let runner = ByDriverRunner(broken: "broken")
    let host = PluginHost(version: Sample.version(version), files: SimulatedFiles(), time: SimulatedTime())
    return (FlexProber(directory: "/p", changes: changes, runner: runner, host: host), changes, runner.inner)
  }

  private struct ByDriverRunner: DriverRunner {
    let broken: String
    let inner = ScriptedRunner(#"{"status":"Success"}"#)
    func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
      let process = await inner.run(executable, call, limit: limit)
      return executable.hasSuffix("/" + broken) ? DriverProcess(output: "oops") : process
    }
  }

  @Test("A change calls init once, and without a change nothing is called")
  func once() async {
    let (prober, changes, runner) = prober()
    #expect(await prober.probe().isEmpty)
    changes.add(DriverChange(Self.good, .addedOrUpdated), DriverChange(Self.good, .addedOrUpdated))
    #expect(await prober.probe().count == 1)
    #expect(await prober.probe().isEmpty)
    #expect(runner.commands == [.initialize])
  }

  @Test("A broken driver does not hide a good one, and is retried at each query")
  func brokenBeside() async {
    let (prober, changes, runner) = prober()
    _ = await prober.probe()
    changes.add(DriverChange(Self.broken, .addedOrUpdated), DriverChange(Self.good, .addedOrUpdated))
    #expect(await prober.probe().count == 1)
    #expect(prober.failures["example.org/broken"]?.message == "invalid character 'o' looking for beginning of value")
    #expect(await prober.probe().isEmpty)
    #expect(runner.calls.count == 3)
  }

  @Test("In 1.20 a broken driver hid the good one")
  func hidden() async {
    let (prober, changes, _) = prober("1.20")
    changes.add(DriverChange(Self.broken, .addedOrUpdated), DriverChange(Self.good, .addedOrUpdated))
    #expect(await prober.probe().isEmpty)
  }

  @Test(
    "A driver that fails in the first probe is retried only when its directory changes, and up to 1.23 so are the good ones",
    arguments: [("1.23", 0), ("1.24", 1), ("1.36", 1)])
  func brokenFirst(version: String, loaded: Int) async {
    let (prober, changes, runner) = prober(version)
    changes.add(DriverChange(Self.broken, .addedOrUpdated), DriverChange(Self.good, .addedOrUpdated))
    #expect(await prober.probe().count == loaded)
    for _ in 1...3 { #expect(await prober.probe().isEmpty) }
    #expect(runner.calls.count == 2 && prober.failures["example.org/broken"] != nil)
    changes.add(DriverChange(Self.good, .addedOrUpdated))
    #expect(await prober.probe().count == 1)
    changes.add(DriverChange(Self.broken, .addedOrUpdated))
    for _ in 1...3 { #expect(await prober.probe().isEmpty) }
    #expect(runner.calls.count == 6)
  }

  @Test("A removed driver removes its plugin")
  func gone() async throws {
    let (prober, changes, _) = prober()
    let manager = PluginManager(probers: [prober])
    changes.add(DriverChange(Self.good, .addedOrUpdated))
    _ = try await manager.plugin(named: "example.org/good")
    changes.add(DriverChange(Self.good, .removed))
    await #expect(throws: VolumeFailure.self) { try await manager.plugin(named: "example.org/good") }
  }
}
