import FlexDoor
import LogicalVolumes
import StorageModel
import Synchronization
import Telemetry
import Testing

@testable import NodeCalls
@testable import NodeService

@Suite("A disk that goes away while a volume is made")
struct LostDiskTests {
  /// Found by `make torture SEED=5`: the volume was refused for good, as one that had lost its data. A thin one could not
  /// even be activated, since LVM had it and its pool did not.
  @Test(
    "a volume that may have been made keeps its permit, and the next call makes it anew once the disk is back",
    arguments: [false, true])
  func fateUnknown(isThin: Bool) async throws {
    let node = try SimulatedNode()
    defer { node.discard() }
    let engine = LosingEngine(SimulatedEngine(world: node.world))
    let context = NodeContext(
      configuration: node.configuration, engine: engine, system: RecordingSystem(world: node.world, tools: node.tools),
      doors: [FlexDoor(kubeletRoot: SimulatedNode.root)],
      log: Log(format: .text, node: node.configuration.nodeName) { _ in })
    _ = try await node.start()
    let daemon = SimulatedNode.handler(context)

    await daemon.fail(SimulatedNode.mount(1), naming: "the disk is away")
    #expect(node.view.permits == ["\(SimulatedNode.name).json"], "the permit is gone, the volume may not be")
    let first = try #require(node.volume())
    if isThin { node.world.state.withLock { $0.volumes[SimulatedNode.name]?.loseThinDevice() } }

    engine.isAway.withLock { $0 = false }
    await daemon.succeed(SimulatedNode.mount(1))
    #expect(node.volume()?.instance != first.instance)
    #expect(node.view.permits.isEmpty)
  }
}

extension StoredVolume {
  /// As LVM has a thin volume whose pool never made it.
  fileprivate mutating func loseThinDevice() { (isThin, isActive) = (true, false) }
}

/// An engine whose disk goes away just after it has made a volume: nobody learns of that, and nobody can look.
private final class LosingEngine: VolumeEngine {
  private let engine: SimulatedEngine
  let isAway = Mutex(false)
  private let hasLost = Mutex(false)

  init(_ engine: SimulatedEngine) { self.engine = engine }

  var kind: EngineKind { engine.kind }
  var activity: EngineActivity { engine.activity }

  private func reach() throws(VolumeError) {
    if isAway.withLock({ $0 }) { throw VolumeError(.unavailable, "the disk is away") }
  }

  func start() async throws(VolumeError) { try await engine.start() }

  func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    try reach()
    return try await engine.volume(name)
  }

  func volumes() async throws(VolumeError) -> [StoredVolume] {
    try reach()
    return try await engine.volumes()
  }

  func create(_ request: CreationRequest) async throws(VolumeError) -> Outcome<StoredVolume> {
    let outcome = try await engine.create(request)
    let isFirst = hasLost.withLock { lost in
      defer { lost = true }
      return !lost
    }
    guard isFirst else { return outcome }
    isAway.withLock { $0 = true }
    throw VolumeError(.unavailable, "the disk is away")
  }

  func clone(
    _ request: CreationRequest, of origin: CloneOrigin
  ) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    return try await engine.clone(request, of: origin)
  }

  func activate(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    if volume.isThin, !volume.isActive { throw VolumeError(.notFound, "the thin pool knows nothing of it") }
    return try await engine.activate(volume)
  }

  func detach(_ name: VolumeName) async throws(VolumeError) { try await engine.detach(name) }

  func extend(_ volume: StoredVolume, to size: ByteCount) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    return try await engine.extend(volume, to: size)
  }

  func adopt(_ volume: StoredVolume, claim: ClaimUID?) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    return try await engine.adopt(volume, claim: claim)
  }

  func setRetained(_ volume: StoredVolume, _ isRetained: Bool) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    return try await engine.setRetained(volume, isRetained)
  }

  func remove(
    _ volume: StoredVolume, notAfter end: Duration?
  ) async throws(VolumeError) -> Outcome<StoredVolume> {
    try reach()
    return try await engine.remove(volume, notAfter: end)
  }

  func capacity() async throws(VolumeError) -> [GroupCapacity] { try await engine.capacity() }
}
