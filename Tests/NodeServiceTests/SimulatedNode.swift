import FlexDoor
import Glibc
import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import NodeCalls
@testable import NodeService
import Telemetry

/// A node whose disk, kernel and state directory outlive any number of daemons.
final class SimulatedNode: Sendable {
  static let root = "/var/lib/kubelet"
  static let name = "pvc-0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"
  static let claim = "0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"
  static let device = "/dev/simulated/" + name

  let world: SimulatedWorld
  let directory: TemporaryDirectory
  /// What was formatted: device number by device number, so that a volume made anew counts anew.
  let tools = RecordedTools()
  let lines = Mutex<[String]>([])
  let configuration: NodeConfiguration

  init(
    totalSize: ByteCount = .gibibytes(10), reclaimGrace: Duration = .zero, callPatience: Duration = .seconds(95)
  ) throws {
    world = SimulatedWorld(totalSize: totalSize)
    directory = try TemporaryDirectory()
    configuration = NodeConfiguration(
      nodeName: "node-1", kubeletRoot: Self.root, stateDirectory: directory["state"], reclaimGrace: reclaimGrace,
      callPatience: callPatience)
  }

  /// A daemon on this node, not started.
  func context(
    steps: StepPoints = .none, now: @escaping @Sendable () -> Timestamp = { WallClock.now() },
    unknownAges: UnknownAges = UnknownAges()
  ) -> NodeContext {
    NodeContext(
      configuration: configuration, engine: SimulatedEngine(world: world),
      system: RecordingSystem(world: world, tools: tools), doors: [FlexDoor(kubeletRoot: Self.root)], steps: steps,
      log: Log(format: .text, node: configuration.nodeName) { [self] line in lines.withLock { $0.append(line) } },
      now: now,
      unknownAges: unknownAges)
  }

  /// A daemon that has started, as ``NodeDaemon`` does it.
  func start(
    steps: StepPoints = .none, now: @escaping @Sendable () -> Timestamp = { WallClock.now() },
    unknownAges: UnknownAges = UnknownAges()
  ) async throws -> CallHandler {
    let context = context(steps: steps, now: now, unknownAges: unknownAges)
    try Files.makeDirectories(configuration.stagingDirectory, mode: 0o700)
    try await context.engine.start()
    try context.permits.prepare()
    let sweeper = Sweeper(context: context)
    try? await sweeper.sweepStaging()  // the daemon logs it and serves
    try await sweeper.settleInterruptedCreations()
    return Self.handler(context)
  }

  /// What serves calls, as ``ServeCommand`` puts it together.
  static func handler(_ context: NodeContext) -> CallHandler {
    CallHandler(context: context, [FlexCalls(), AdminCalls(release: "test")])
  }

  func reboot() { world.reboot() }

  /// Removes the state directory. A daemon that was abandoned in the middle of a step holds on to this node for ever, so
  /// nothing else would.
  func discard() { try? Files.removeTree(directory.path) }
}

// MARK: - Calls

extension SimulatedNode {
  static func pod(_ number: Int = 1, volume: String = name) -> String {
    "\(root)/pods/00000000-0000-0000-0000-00000000000\(number)/volumes/volumes.k8s.elastic.co~elastic-local/\(volume)"
  }

  static func global(_ volume: String = name) -> String {
    "\(root)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/\(volume)"
  }

  /// Options as kubelet sends them.
  static func options(
    size: String? = "1073741824", readOnly: Bool = false, fsType: String = "", volume: String = name,
    _ more: [String: String] = [:]
  ) -> String {
    var values = [
      "kubernetes.io/fsType": fsType, "kubernetes.io/readwrite": readOnly ? "ro" : "rw",
      "kubernetes.io/pvOrVolumeName": volume, "kubernetes.io/pod.name": "db-0",
      "kubernetes.io/pod.namespace": "prod", "kubernetes.io/pod.uid": "u",
      "kubernetes.io/serviceAccount.name": "default",
    ]
    values["sizeBytes"] = size
    values.merge(more) { $1 }
    let pairs = values.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
    return "{\(pairs.joined(separator: ","))}"
  }

  static func mount(_ number: Int = 1, readOnly: Bool = false, volume: String = name) -> [String] {
    ["mount", pod(number, volume: volume), options(readOnly: readOnly, volume: volume)]
  }

  static func unmount(_ number: Int = 1, volume: String = name) -> [String] {
    ["unmount", pod(number, volume: volume)]
  }
}

extension CallHandler {
  /// The reply to a call that has to succeed.
  @discardableResult
  func succeed(
    _ arguments: [String], _ remark: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) async -> Reply {
    let reply = await handle(arguments).reply
    #expect(reply.status == "Success", "\(remark ?? "") \(reply.message ?? "")", sourceLocation: sourceLocation)
    return reply
  }

  /// The message of a call that has to fail.
  @discardableResult
  func fail(
    _ arguments: [String], naming words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) async -> String {
    let reply = await handle(arguments).reply
    let message = reply.message ?? ""
    #expect(reply.status == "Failure", "\(message)", sourceLocation: sourceLocation)
    for word in words {
      #expect(message.contains(word), "\"\(message)\" says \"\(word)\"", sourceLocation: sourceLocation)
    }
    return message
  }
}

// MARK: - Looking at the world

/// All of a node that a call may change, to compare before and after.
struct WorldView: Equatable, CustomStringConvertible {
  var volumes: [String: StoredVolume]
  var devices: [String: DeviceContents]
  var mounts: [String]
  var stagings: [String]
  var permits: [String]

  var description: String {
    "volumes \(volumes.keys.sorted()), devices \(devices.keys.sorted()), mounts \(mounts), stagings \(stagings), "
      + "permits \(permits)"
  }

  var isEmpty: Bool { volumes.isEmpty && mounts.isEmpty && stagings.isEmpty && permits.isEmpty }
}

extension SimulatedNode {
  var view: WorldView {
    let stagingPrefix = configuration.stagingDirectory + "/"
    let permits = ((try? Files.list(configuration.permitDirectory)) ?? []).filter { $0.hasSuffix(".json") }
    return world.state.withLock { state in
      WorldView(
        volumes: state.volumes, devices: state.devices,
        mounts: state.mounts.map { "\($0.source) at \($0.mountPoint) \($0.isReadOnly ? "ro" : "rw")" }.sorted(),
        stagings: state.directories.filter { $0.hasPrefix(stagingPrefix) }.sorted(), permits: permits)
    }
  }

  func mountPoints() -> [String] { world.state.withLock { $0.mounts.map(\.mountPoint).sorted() } }

  var stagingPath: String { configuration.stagingDirectory + "/" + Self.name }

  func volume(_ name: String = name) -> StoredVolume? { world.state.withLock { $0.volumes[name] } }

  func contents(of device: String = device) -> DeviceContents? { world.state.withLock { $0.devices[device] } }

  /// How often the device that is there now was formatted.
  func formats(of device: String = device) -> Int {
    guard let number = world.state.withLock({ $0.deviceNumbers[device] }) else { return 0 }
    return tools.formats(of: number)
  }

  /// Somebody's data, as far as a simulated device can hold any: a file system with a UUID of its own.
  func placeData(on device: String = device, type: String = "ext4") {
    world.state.withLock { $0.devices[device] = .fileSystem(type: type, uuid: "data", label: nil) }
  }

  var hasData: Bool {
    if case .fileSystem(_, "data", _)? = contents() { return true }
    return false
  }

  /// A volume that is not ours.
  func placeForeign(
    _ contents: DeviceContents, name: String = name, adoptable: Bool = true, kind: String = "linear volume"
  ) throws {
    let name = try VolumeName(name)
    world.state.withLock { state in
      let device = "/dev/simulated/\(name)"
      state.volumes[name.text] = StoredVolume(
        name: name, instance: "foreign-\(name)", location: .device(device), size: .gibibytes(1),
        group: SimulatedEngine.group, ownership: .foreign(adoptable: adoptable, kind: kind), isActive: true,
        createdAt: nil)
      state.devices[device] = contents
      state.deviceNumbers[device] = DeviceNumber(major: 240, minor: state.nextDevice)
      state.nextDevice += 1
    }
  }

  /// Something that is mounted and is none of ours.
  func placeMount(at path: String, source: String = "/dev/sda1", options: [String] = ["rw"]) {
    world.state.withLock { state in
      state.nextMountID += 1
      state.mounts.append(
        MountEntry(
          id: state.nextMountID, parentID: 1, device: DeviceNumber(major: 8, minor: 1), root: "/", mountPoint: path,
          options: options, fileSystemType: "ext4", source: source))
    }
  }
}

// MARK: - Tools that are watched

/// What was done to devices, over all daemons of a node.
final class RecordedTools: Sendable {
  struct State {
    var formats: [DeviceNumber: Int] = [:]
    /// Devices that were formatted although they were not blank: the worst that can happen.
    var destroyed: [String] = []
    var repaired: [String] = []
    var grown: [String] = []
    /// The options of the last mount of each device.
    var mountOptions: [String: [String]] = [:]
    /// Devices whose file systems were written out.
    var flushed: [String] = []
    var mkfsArguments: [[String]] = []
    /// The operation of this name fails, as a tool or a kernel can.
    var failing: String?
    /// The operations of these names take until they are taken out of here, or cancelled.
    var slow: Set<String> = []
    /// How often the mount table was read.
    var looks = 0
    /// The operation of this name holds the device: somebody outside has it open.
    var isHeld = false
    /// What every directory of kubelet's shows; nil as where nothing is really mounted.
    var view: DirectoryView?
  }

  let state = Mutex(State())

  func formats(of number: DeviceNumber) -> Int { state.withLock { $0.formats[number] ?? 0 } }
  var destroyed: [String] { state.withLock { $0.destroyed } }
  var formatCount: Int { state.withLock { $0.formats.values.reduce(0, +) } }
}

/// The simulated operating system, watched, and made to fail where a test asks for it.
struct RecordingSystem: NodeSystem {
  private let world: SimulatedWorld
  private let base: SimulatedNodeSystem
  private let tools: RecordedTools

  init(world: SimulatedWorld, tools: RecordedTools) {
    self.world = world
    base = SimulatedNodeSystem(world: world)
    self.tools = tools
  }

  /// A program that takes its time, and tells how far it is.
  private func takeTime(_ operation: String) async throws(VolumeError) {
    while tools.state.withLock({ $0.slow.contains(operation) }) {
      // Cancelled: it is killed below.
      try? await Task.sleep(for: .milliseconds(2))
      if Task.isCancelled { throw VolumeError(.cancelled, "\(operation): cancelled") }
    }
  }

  private func failIfAsked(_ operation: String) throws(VolumeError) {
    guard tools.state.withLock({ $0.failing }) == operation else { return }
    throw VolumeError(.internal, "\(operation): exit code 1, out of luck")
  }

  func resolve(root: String, components: [String]) async throws(VolumeError) -> String? {
    try failIfAsked("resolve")
    return try await base.resolve(root: root, components: components)
  }
  func prepareMounting(root: String, directories: [[String]]) async throws(VolumeError) {}
  func view(root: String, components: [String], source: String) async throws(VolumeError) -> DirectoryView? {
    try failIfAsked("view")
    return tools.state.withLock { $0.view }
  }
  func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool {
    try await base.isSameDirectory(first, second)
  }
  func mountView(of volumes: [StoredVolume.Location]) async throws(VolumeError) -> MountView {
    tools.state.withLock { $0.looks += 1 }
    return try await base.mountView(of: volumes)
  }
  func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool {
    try await base.isMountedAnywhere(directory)
  }
  func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint? {
    try await base.complaint(about: mount)
  }
  func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents {
    try failIfAsked("probe")
    return try await base.contents(of: device, knownAs: identity)
  }
  func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    try await base.isFinished(kind, on: device)
  }
  func holders(of location: StoredVolume.Location) async throws(VolumeError) -> [String] {
    tools.state.withLock { $0.isHeld } ? ["process 7 (psql)"] : []
  }
  func isHeld(_ device: String) async throws(VolumeError) -> Bool {
    if tools.state.withLock({ $0.isHeld }) { return true }
    return try await base.isHeld(device)
  }
  func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError) {
    let (contents, number) = world.state.withLock { ($0.devices[device], $0.deviceNumbers[device]) }
    tools.state.withLock { state in
      if contents != .blank { state.destroyed.append("\(device) had \(contents.map { "\($0)" } ?? "no contents")") }
      if let number { state.formats[number, default: 0] += 1 }
      state.mkfsArguments.append([kind.rawValue] + options)
    }
    try await takeTime("mkfs")
    if tools.state.withLock({ $0.failing }) == "mkfs" {
      // A tool that fails half-way leaves something that looks like anything.
      world.state.withLock { $0.devices[device] = .ambivalent("half a superblock") }
      throw VolumeError(.internal, "mkfs: exit code 1, out of luck")
    }
    try await base.makeFileSystem(
      kind, on: device, identity: identity, options: options, deadline: deadline, progress: progress)
  }
  func flush(_ mount: MountEntry) async throws(VolumeError) {
    try failIfAsked("flush")
    tools.state.withLock { $0.flushed.append(mount.source) }
  }
  func needsMount(asCopy kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    try await base.needsMount(asCopy: kind, on: device)
  }
  func separateCopy(
    _ kind: FileSystemKind, on device: String, as identity: FileSystemIdentity
  ) async throws(VolumeError) {
    try failIfAsked("copy")
    try await base.separateCopy(kind, on: device, as: identity)
  }
  func identifyCopy(
    _ kind: FileSystemKind, on device: String, mountedAt mountPoint: String?, as identity: FileSystemIdentity
  ) async throws(VolumeError) {
    try failIfAsked("copy")
    try await base.identifyCopy(kind, on: device, mountedAt: mountPoint, as: identity)
  }
  func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool { kind == .ext4 }
  func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    try await takeTime("repair")
    try failIfAsked("repair")
    tools.state.withLock { $0.repaired.append(device) }
  }
  func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    try await takeTime("grow")
    try failIfAsked("grow")
    try await base.growFileSystem(kind, on: device, mountPoint: mountPoint, deadline: deadline, progress: progress)
    tools.state.withLock { $0.grown.append("\(kind.rawValue) \(device) at \(mountPoint)") }
  }
  func mount(
    _ device: String, at path: String, kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    try failIfAsked("mount")
    tools.state.withLock { $0.mountOptions[device] = options.options }
    try await base.mount(device, at: path, kind: kind, options: options)
  }
  func bind(
    _ source: String, root: String, components: [String], adding flags: MountFlags
  ) async throws(VolumeError) {
    try failIfAsked("bind")
    try await base.bind(source, root: root, components: components, adding: flags)
  }
  func mount(
    _ device: String, root: String, components: [String], kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    try failIfAsked("mount")
    try await base.mount(device, root: root, components: components, kind: kind, options: options)
  }
  func unmountAll(_ path: String) async throws(VolumeError) -> Int {
    try failIfAsked("unmount")
    return try await base.unmountAll(path)
  }
  func makeDirectory(_ path: String) async throws(VolumeError) {
    try failIfAsked("mkdir")
    try await base.makeDirectory(path)
  }
  func removeDirectory(_ path: String) async throws(VolumeError) { try await base.removeDirectory(path) }
  func directories(in path: String) async throws(VolumeError) -> [String] { try await base.directories(in: path) }
}
