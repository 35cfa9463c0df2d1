import LinuxSystem
import Testing
import VolumeHost

@Suite("Watching a plugin directory")
struct DriverDirectoryTests {
  private let directory: TemporaryDirectory
  private let watcher: DriverDirectory
  private static let driver = Sample.driver("example.org/bind")

  init() throws {
    directory = try TemporaryDirectory()
    watcher = DriverDirectory(directory["plugins"])
  }

  private func install(_ name: String = "example.org~bind/bind") throws {
    try directory.directory("plugins/" + name.prefix { $0 != "/" })
    try directory.executable("plugins/" + name, "exit 0")
  }

  private static let updated = [DriverChange(driver, .addedOrUpdated)]
  private static let removed = [DriverChange(driver, .removed)]

  @Test("The directory is created and is empty")
  func made() {
    #expect(watcher.next().isEmpty)
    #expect(Files.exists(directory["plugins"]))
  }

  @Test("An existing driver is found once")
  func existing() throws {
    try install()
    #expect(watcher.next() == Self.updated)
    #expect(watcher.next().isEmpty)
  }

  @Test("Drivers are found in the order of their installation")
  func order() throws {
    _ = watcher.next()
    try install("z/z")
    try install("a/a")
    #expect(watcher.next().map(\.driver.description) == ["z", "a"])
  }

  @Test("Installing, replacing and any other file in its directory is one change each")
  func changes() throws {
    _ = watcher.next()
    try install()
    #expect(watcher.next() == Self.updated)
    try install()
    #expect(watcher.next() == Self.updated)
    try directory.file("plugins/example.org~bind/some.log", "x")
    #expect(watcher.next() == Self.updated)
    try directory.directory("plugins/example.org~bind/a/b/c/d/e/f/g/h/i")
    #expect(watcher.next() == Self.updated)
    try directory.file("plugins/example.org~bind/a/b/c/d/e/f/g/h/i/deep")
    #expect(watcher.next() == Self.updated)
  }

  @Test("Names that begin with a dot, files beside the directories and linked directories are ignored")
  func ignored() throws {
    try install()
    _ = watcher.next()
    try directory.file("plugins/example.org~bind/.hidden", "x")
    try directory.file("plugins/stray", "x")
    try install(".later/later")
    try directory.directory("elsewhere")
    try directory.executable("elsewhere/linked", "exit 0")
    try Files.replaceWithSymbolicLink(directory["plugins/linked"], to: directory["elsewhere"])
    #expect(watcher.next().isEmpty)
  }

  @Test("Removing the executable or the directory removes the driver")
  func removal() throws {
    try install()
    _ = watcher.next()
    try Files.removeTree(directory["plugins/example.org~bind/bind"])
    #expect(watcher.next() == Self.removed)
    try install()
    #expect(watcher.next() == Self.updated)
    try Files.removeTree(directory["plugins/example.org~bind"])
    #expect(watcher.next() == Self.removed)
    #expect(watcher.next().isEmpty)
  }

  @Test("A removed plugin directory is created again and watched again")
  func recreated() throws {
    try install()
    _ = watcher.next()
    try Files.removeTree(directory["plugins"])
    #expect(watcher.next() == Self.removed)
    #expect(Files.exists(directory["plugins"]))
    try install()
    #expect(watcher.next() == Self.updated)
  }

  @Test("A directory without its executable counts as a driver, whose init fails, until it is removed")
  func empty() throws {
    try directory.directory("plugins/example.org~bind")
    #expect(watcher.next() == Self.updated)
    try directory.file("plugins/example.org~bind/README", "x")
    #expect(watcher.next() == Self.updated)
    #expect(watcher.next().isEmpty)
    try Files.removeTree(directory["plugins/example.org~bind"])
    #expect(watcher.next() == Self.removed)
  }

  @Test(
    "Up to 1.23 a directory without its executable hides a good driver that is found with it",
    arguments: [("1.23", []), ("1.24", ["example.org/bind"])])
  func emptyBeside(version: String, loaded: [String]) async throws {
    try directory.directory("plugins/example.org~bind")
    try directory.executable(
      "plugins/example.org~bind/bind", #"echo '{"status":"Success","capabilities":{"attach":false}}'"#)
    try directory.directory("plugins/example.org~later")
    let host = PluginHost(version: Sample.version(version), files: SimulatedFiles(), time: SystemTime())
    let prober = FlexProber(
      directory: directory["plugins"], changes: watcher, runner: ProcessRunner(), host: host)
    let names = await prober.probe().map { event in
      if case .addedOrUpdated(let plugin) = event { plugin.name } else { "" }
    }
    #expect(names == loaded)
    #expect(prober.failures.keys.sorted() == ["example.org/later"])
  }
}
