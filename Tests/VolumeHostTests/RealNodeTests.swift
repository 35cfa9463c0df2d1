import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite(
  "A real driver on this machine",
  .enabled(
    if: geteuid() == 0 && Tools.find("jq") != nil && Tools.find("flock") != nil, "skipped: needs root, jq, flock"))
struct RealNodeTests {
  private let directory: TemporaryDirectory
  private let files = LinuxFiles()
  private let host: PluginHost
  private let pod: Pod

  init() throws {
    directory = try TemporaryDirectory()
    host = PluginHost(paths: HostPaths(root: directory["kubelet"]), files: files, time: SystemTime())
    let source = FlexSource(driver: "example.org/good")
    pod = Pod(name: "p", uid: "uid-1", group: 2000, volumes: [.inline("data", source)])
    try directory.directory("data")
    try directory.directory("plugins/example.org~good")
    try directory.executable("plugins/example.org~good/good", FixtureDriver.good.script(keeping: directory["data"]))
  }

  private var path: String { directory["kubelet/pods/uid-1/volumes/example.org~good/data"] }

  /// Runs a kubelet while the body runs, then kills it.
  private func withNode(_ pods: [Pod] = [], _ body: @Sendable (NodeVolumes) async throws -> Void) async throws {
    let prober = FlexProber(
      directory: directory["plugins"], changes: DriverDirectory(directory["plugins"]), runner: ProcessRunner(),
      host: host)
    let node = NodeVolumes(host: host, manager: PluginManager(probers: [prober]))
    for pod in pods { await node.run(pod) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await node.reconcile() }
      defer { group.cancelAll() }
      try await body(node)
    }
  }

  private func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<1000 {
      if try await condition() { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("not within 10 s: \(what)")
  }

  @Test("A pod gets its volume with its group, keeps it over a restart of the kubelet, and leaves nothing behind")
  func life() async throws {
    try await withNode { node in
      await node.run(pod)
      try await until("mounted") { await node.isReady(pod.uid) }
    }
    #expect(try MountTable.current().at(path).count == 1)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_gid == 2000 && status.st_mode & S_ISGID != 0)
    try await withNode([pod]) { node in
      try await until("found again") { await node.isReady(pod.uid) }
      await node.end(pod.uid)
      await node.forget(pod.uid)
      try await until("cleaned up") { !Files.exists(directory["kubelet/pods/uid-1"]) }
    }
    #expect(try MountTable.current().below(directory.path).isEmpty)
  }

  @Test("A volume whose pod was removed while the kubelet was down is torn down")
  func orphan() async throws {
    try await withNode([pod]) { node in try await until("mounted") { await node.isReady(pod.uid) } }
    try await withNode { _ in try await until("gone") { !Files.exists(path) } }
    #expect(try MountTable.current().below(directory.path).isEmpty)
  }

  @Test("A bind mount within one file system is a mount point to new kubelets, and not to old ones")
  func states() async throws {
    let (source, target) = (try directory.directory("source"), try directory.directory("target"))
    #expect(try await files.state(of: target, recognisingBinds: true) == .plain)
    #expect(try await files.state(of: directory["none"], recognisingBinds: true) == .missing)
    try await files.bind(source, to: target)
    #expect(try await files.state(of: target, recognisingBinds: true) == .mountPoint)
    #expect(try await files.state(of: target, recognisingBinds: false) == .plain)
    // A kubelet's root directory can be a link.
    #expect(symlink(directory.path, directory["link"]) == 0)
    let linked = directory["link"] + target.dropFirst(directory.path.utf8.count)
    #expect(try await files.state(of: linked, recognisingBinds: true) == .mountPoint)
    let second = try directory.directory("second")
    try await files.bind(source, to: second)
    #expect(try await files.otherMounts(of: target) == [second])
    await #expect(throws: HostError("remove", target, code: EBUSY)) { try await files.removeDirectory(target) }
    try await files.unmount(target)
    try await files.unmount(second)
    await #expect(throws: HostError.self) { try await files.unmount(target) }
  }

  @Test("Directories are made with mode 0750, removed only when they are empty, and listed without links")
  func directories() async throws {
    let path = directory["a/b"]
    try await files.makeDirectory(path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o750)
    try directory.file("a/file")
    try Files.replaceWithSymbolicLink(directory["a/link"], to: path)
    #expect(try await files.directories(in: directory["a"]) == ["b"])
    #expect(try await files.directories(in: directory["none"]).isEmpty)
    await #expect(throws: HostError("remove", directory["a"], code: ENOTEMPTY)) {
      try await files.removeDirectory(directory["a"])
    }
    try await files.removeDirectory(path)
    try await files.removeDirectory(path)
  }
}
