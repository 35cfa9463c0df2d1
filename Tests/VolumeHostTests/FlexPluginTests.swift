import Testing
import VolumeHost

@Suite("What a kubelet does without the driver")
struct FlexPluginTests {
  private let files = SimulatedFiles()
  private static let spec = VolumeSpec.persistent("pv", FlexSource(driver: "example.org/att"))

  /// Returns a driver that has only `init`, unless told otherwise.
  private func plugin(
    attach: Bool = true, metrics: Bool = false, secrets: any SecretSource = NoSecrets(), version: String = "1.36",
    _ answer: @escaping @Sendable (DriverCall) -> String? = { _ in nil }
  ) async throws -> any FlexPlugin {
    let runner = ScriptedRunner { call in
      let initialized = #"{"status":"Success","capabilities":{"attach":\#(attach),"supportsMetrics":\#(metrics)}}"#
      if call.command == .initialize { return DriverProcess(output: initialized) }
      return DriverProcess(output: answer(call) ?? #"{"status":"Not supported"}"#, end: .exited(1))
    }
    let host = PluginHost(
      version: Sample.version(version), files: files, time: SimulatedTime(), secrets: secrets)
    let driver = FlexDriver(
      name: Sample.driver("example.org/att"), pluginDirectory: "/p", version: host.version, runner: runner)
    return try await FlexCore.load(driver, on: host)
  }

  private func attaching() async throws -> AttachableFlexVolumePlugin {
    try #require(try await plugin() as? AttachableFlexVolumePlugin)
  }

  @Test("Without the attach commands the results are no device, the given device, unknown, and success")
  func attachDefaults() async throws {
    let plugin = try await attaching()
    let attacher = plugin.makeAttacher()
    #expect(try await attacher.attach(Self.spec, node: "n") == "")
    #expect(try await attacher.waitForAttach(Self.spec, device: "/dev/x") == "/dev/x")
    #expect(try await attacher.areAttached([Self.spec], node: "n") == nil)
    try await plugin.makeDetacher().detach(volume: "pv", node: "n")
    #expect(try await plugin.volumeName(of: Self.spec) == "pv")
  }

  @Test("Without mountdevice the kubelet mounts the device, and without a device it mounts nothing")
  func deviceDefaults() async throws {
    let mounter = try await attaching().makeDeviceMounter()
    let path = try await mounter.deviceMountPath(Self.spec)
    #expect(path == "/var/lib/kubelet/plugins/kubernetes.io/flexvolume/example.org/att/mounts/pv")
    try await mounter.mountDevice(Self.spec, device: "", at: path)
    #expect(files.exists(path) && files.mountCount(path) == 0)
    try await mounter.mountDevice(Self.spec, device: "/dev/x", at: path)
    try await mounter.mountDevice(Self.spec, device: "/dev/x", at: path)
    #expect(files.mountCount(path) == 1)
    try await attaching().makeDeviceUnmounter().unmountDevice(at: path)
    #expect(!files.exists(path))
  }

  @Test("Without mount and unmount the kubelet binds and unbinds the device's directory")
  func mountDefaults() async throws {
    let plugin = try await attaching()
    let source = try await plugin.makeDeviceMounter().deviceMountPath(Self.spec)
    try await plugin.makeDeviceMounter().mountDevice(Self.spec, device: "/dev/x", at: source)
    let mounter = try await plugin.makeMounter(Self.spec, pod: Sample.pod())
    try await mounter.setUp()
    #expect(files.mountCount(mounter.path) == 1)
    try await plugin.makeUnmounter(volume: "pv", podUID: "uid-1").tearDown()
    #expect(!files.exists(mounter.path))
  }

  @Test("Without expandfs the kubelet grows the file system on its device, and fails without a device")
  func expandDefaults() async throws {
    let plugin = try await plugin()
    var expansion = NodeExpansion(spec: Self.spec, device: "/dev/x", directory: "/d", new: 2, old: 1)
    try await plugin.expandFileSystem(expansion)
    expansion.device = ""
    await #expect(throws: VolumeFailure.self) { try await plugin.expandFileSystem(expansion) }
    expansion.spec = Sample.inline
    await #expect(throws: VolumeFailure.final("PersistentVolume not found for spec: v")) {
      try await plugin.expandFileSystem(expansion)
    }
    #expect(try await plugin.expandVolume(Self.spec, device: "", to: 2, from: 1) == 2)
  }

  private struct OneSecret: SecretSource {
    let type: String
    func secret(_ name: String, namespace: String) async -> Secret? {
      name == "sec" ? Secret(type: type, data: [:]) : nil
    }
  }

  @Test("A secret that is missing or of another type fails the mount before the driver is called")
  func secrets() async throws {
    var spec = Self.spec
    for (name, version, message) in [
      ("sec", "1.36", "couldn't get secret default/sec err: cannot get secret of type example.org/att"),
      ("sec", "1.20", "Couldn't get secret default/sec err: cannot get secret of type example.org/att"),
      ("none", "1.36", "couldn't get secret default/none err: secrets \"none\" not found"),
    ] {
      spec.source.secret = SecretReference(name: name)
      let plugin = try await plugin(secrets: OneSecret(type: "Opaque"), version: version) { call in
        call.command == .mount ? #"{"status":"Failure","message":"the driver was called"}"# : nil
      }
      let mounter = try await plugin.makeMounter(spec, pod: Sample.pod())
      await #expect(throws: VolumeFailure.final(message)) { try await mounter.setUp() }
      #expect(!files.exists(mounter.path))
    }
  }

  @Test("Metrics exist if the driver announced them")
  func metrics() async throws {
    let silent = try await plugin().makeMounter(Self.spec, pod: Sample.pod())
    await #expect(throws: MetricsError.notSupported("MetricsNil")) { try await silent.metrics.metrics() }
    let open = try await plugin(metrics: true).makeMounter(Self.spec, pod: Sample.pod())
    files.addDirectory(open.path)
    #expect(try await open.metrics.metrics().space.capacity == 1 << 30)
  }

  @Test("A read-only volume is not managed, and a reconstructed volume has only its driver and name")
  func attributes() async throws {
    let plugin = try await plugin()
    var spec = Self.spec
    spec.origin = .persistent(claimReadOnly: true)
    let attributes = try await plugin.makeMounter(spec, pod: Sample.pod()).attributes
    #expect(attributes == VolumeAttributes(readOnly: true, managed: false, supportsRelabel: true))
    #expect(
      try await plugin.reconstruct(volume: "pv", podUID: "u")
        == .inline("pv", FlexSource(driver: "example.org/att")))
  }

  /// A plugin for bulk verification.
  private struct Bulk: BulkVerifier {
    let answer: [String: [VolumeSpec: Bool]]?
    let name = "bulk"
    let requiresRemount = false
    let supportsMountOptions = false
    let supportsBulkVerification = true
    func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String { spec.name }
    func supports(_ spec: VolumeSpec) -> Bool { true }
    func makeMounter(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any Mounter { throw .final("no") }
    func makeUnmounter(volume: String, podUID: String) -> any Unmounter { preconditionFailure("not asked for") }
    func reconstruct(volume: String, podUID: String) async throws(VolumeFailure) -> VolumeSpec { Sample.inline }
    func verify(_ specs: [String: [VolumeSpec]]) async throws(VolumeFailure) -> [String: [VolumeSpec: Bool]] {
      guard let answer else { throw .final("no") }
      return answer
    }
  }

  @Test(
    "In bulk verification a volume missing from its node's answer is detached; a missing node and an error change nothing"
  )
  func bulk() async throws {
    let other = VolumeSpec.persistent("other", FlexSource(driver: "d"))
    let question = ["n1": [Self.spec, other], "n2": [Self.spec]]
    let answered = await BulkVerification.detached(question, by: Bulk(answer: ["n1": [Self.spec: true]]))
    #expect(answered == ["n1": [other]])
    let denied = await BulkVerification.detached(question, by: Bulk(answer: ["n2": [Self.spec: false]]))
    #expect(denied == ["n2": [Self.spec]])
    #expect(await BulkVerification.detached(question, by: Bulk(answer: nil)).isEmpty)
    #expect(await BulkVerification.detached(question, by: try plugin()).isEmpty)
  }
}
