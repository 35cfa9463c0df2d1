import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

@Suite("Volumes that begin as clones")
struct CloningTests {
  private let node: SimulatedNode

  init() throws {
    node = try SimulatedNode()
    try node.placeOrigin()
  }

  /// The steps of a clone before it has its identity.
  private static let early: [StepPoint] = [.permitWritten, .volumeCloned, .cloneSeparated, .cloneMounted, .cloneGrown]
  private static let late: [StepPoint] = [.cloneIdentified, .cloneUnmounted, .permitRemoved]

  @Test(
    "after a crash and without another call a clone is gone or complete, never half made, and its origin is unchanged",
    arguments: early + late)
  func crash(point: StepPoint) async throws {
    defer { node.discard() }
    try node.placeOrigin(.xfs)
    guard case .crashed = try await node.run(Origin.mount(mebibytes: 2048), crashingAt: point) else {
      Issue.record("not reached")
      return
    }
    _ = try await node.start()
    #expect(node.view.permits.isEmpty && node.mountPoints().isEmpty && node.view.stagings.isEmpty, "\(node.view)")
    #expect(node.contents(of: Origin.device) == Origin.placed(.xfs))
    if Self.early.contains(point) {
      #expect(node.volume() == nil, "it has no identity, so it is removed")
    } else {
      #expect(node.isCompleteClone, "it has its identity, so it is kept")
    }
  }

  @Test("a complete clone is kept when its permit comes back from a backup", arguments: FileSystemKind.allCases)
  func restoredPermit(kind: FileSystemKind) async throws {
    try node.placeOrigin(kind)
    let daemon = try await node.start()
    await daemon.succeed(Origin.mount())
    await daemon.succeed(SimulatedNode.unmount(1))
    let (before, contents) = (try #require(node.volume()), node.contents())
    let token = try #require(before.marks?.creation)
    try FormatPermits(directory: node.configuration.permitDirectory).write(
      FormatPermit(volume: before.name, creation: token, progress: .planned))
    let restarted = try await node.start()
    #expect(node.volume() == before && node.contents() == contents && node.view.permits.isEmpty)
    await restarted.succeed(Origin.mount())
  }

  @Test("an existing volume is used as it is, whatever its PV says of an origin")
  func existing() async throws {
    let daemon = try await node.start()
    await daemon.succeed(SimulatedNode.mount(1))
    node.placeData()
    let before = node.volume()
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(Origin.mount())
    #expect(node.volume() == before && node.hasData)
  }

  @Test("an origin that is mounted is written out before, and one that is not needs nothing")
  func flushed() async throws {
    let daemon = try await node.start()
    await daemon.succeed(Origin.mount())
    #expect(node.tools.state.withLock { $0.flushed.isEmpty })
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(["remove", SimulatedNode.name])
    await daemon.succeed(["mount", Origin.pod(), SimulatedNode.options(volume: Origin.name)])
    await daemon.succeed(Origin.mount())
    #expect(node.tools.state.withLock { $0.flushed } == [Origin.device])
  }

  @Test("the clone of an xfs is mounted with nouuid, and nothing else is")
  func sharedUUID() async throws {
    for kind in FileSystemKind.allCases {
      try node.placeOrigin(kind)
      let daemon = try await node.start()
      await daemon.succeed(["mount", Origin.pod(), SimulatedNode.options(volume: Origin.name)])
      await daemon.succeed(Origin.mount())
      let used = node.tools.state.withLock { $0.mountOptions }
      #expect(used[Origin.device] == [])
      #expect(used[SimulatedNode.device] == (kind == .xfs ? ["nouuid"] : []))
      for call in [SimulatedNode.unmount(1), ["unmount", Origin.pod()], ["remove", SimulatedNode.name]] {
        await daemon.succeed(call)
      }
    }
  }

  @Test("a request that cannot be a clone is refused, says why, and creates nothing")
  func refused() async throws {
    let daemon = try await node.start()
    let before = node.view
    func refuse(_ options: String, _ words: String...) async {
      let reply = await daemon.handle(["mount", SimulatedNode.pod(1), options]).reply
      let message = reply.message ?? ""
      #expect(reply.status == "Failure", "never `Not supported`, which kubelet remembers: \(message)")
      for word in words + [SimulatedNode.name] { #expect(message.contains(word), "\(message)") }
      #expect(node.view == before, "\(message)")
    }
    await refuse(Origin.options(instance: "another1"), "another", Origin.name)
    await refuse(Origin.options(mebibytes: 512), "at least as large", "512 MiB", "1 GiB")
    await refuse(Origin.options(fsType: "xfs"), "xfs", "ext4", "file system of its origin")
    await refuse(SimulatedNode.options(["cloneOf": "pvc-gone", "cloneOfInstance": "gone"]), "pvc-gone", "not exist")
    await refuse(
      SimulatedNode.options(["cloneOf": SimulatedNode.name, "cloneOfInstance": "itself"]), "not exist")
  }

  @Test(
    "an origin without a file system of ours is refused",
    arguments: [
      DeviceContents.blank, .other(kind: "crypto_LUKS"), .fileSystem(type: "vfat", uuid: nil, label: nil),
      .ambivalent("ext4, partition table gpt"),
    ])
  func notAFileSystem(contents: DeviceContents) async throws {
    node.world.state.withLock { $0.devices[Origin.device] = contents }
    let daemon = try await node.start()
    let before = node.view
    await daemon.fail(Origin.mount(), naming: Origin.name, "nothing was created")
    #expect(node.view == before)
  }

  @Test("a foreign volume is not cloned")
  func foreign() async throws {
    try node.placeForeign(Origin.placed(), name: "foreign")
    let daemon = try await node.start()
    let options = SimulatedNode.options(["cloneOf": "foreign", "cloneOfInstance": "foreign-foreign"])
    await daemon.fail(["mount", SimulatedNode.pod(1), options], naming: "foreign", "our tag")
    #expect(node.volume() == nil)
  }

  @Test("an origin whose creation has not ended is not cloned until it has")
  func unfinishedOrigin() async throws {
    let daemon = try await node.start()
    let token = try #require(CreationToken(Origin.instance))
    let permits = FormatPermits(directory: node.configuration.permitDirectory)
    try permits.write(FormatPermit(volume: try VolumeName(Origin.name), creation: token, progress: .formatting))
    await daemon.fail(Origin.mount(), naming: Origin.name, "has not ended")
    #expect(node.volume() == nil)
    try permits.remove(try VolumeName(Origin.name))
    await daemon.succeed(Origin.mount())
  }

  @Test("a copy whose file system cannot get an identity is removed again")
  func unidentifiable() async throws {
    let daemon = try await node.start()
    let before = node.view
    node.tools.state.withLock { $0.failing = "copy" }
    await daemon.fail(Origin.mount(), naming: "out of luck")
    #expect(node.view == before)
  }

  @Test("clones of one origin at once are all made, and a clone of a clone too")
  func many() async throws {
    let daemon = try await node.start()
    let names = (0..<8).map { "pvc-\($0)" }
    await withTaskGroup(of: Void.self) { group in
      for name in names {
        group.addTask {
          let options = SimulatedNode.options(
            volume: name, ["cloneOf": Origin.name, "cloneOfInstance": Origin.instance])
          await daemon.succeed(["mount", SimulatedNode.pod(1, volume: name), options])
        }
      }
    }
    let instances = names.compactMap { node.volume($0)?.instance }
    #expect(Set(instances).count == 8)
    let options = SimulatedNode.options(["cloneOf": names[0], "cloneOfInstance": instances[0]])
    await daemon.succeed(["mount", SimulatedNode.pod(1), options])
    #expect(node.volume()?.marks?.origin == instances[0])
    let permits = node.view.permits
    #expect(permits.isEmpty)
  }

  /// Each waits for the lock of the other's volume only if that exists, and none that is being created does.
  @Test("two volumes that are clones of each other are refused, and block nothing", .timeLimit(.minutes(1)))
  func circle() async throws {
    let daemon = try await node.start()
    for _ in 0..<50 {
      await withTaskGroup(of: Void.self) { group in
        for (name, other) in [("pvc-a", "pvc-b"), ("pvc-b", "pvc-a")] {
          group.addTask {
            let options = SimulatedNode.options(volume: name, ["cloneOf": other, "cloneOfInstance": "whatever"])
            await daemon.fail(["mount", SimulatedNode.pod(1, volume: name), options], naming: other)
          }
        }
      }
    }
    #expect(node.view.permits.isEmpty)
  }
}

@Suite("A clone whose completion takes longer than a call", .timeLimit(.minutes(2)))
struct LongCloneTests {
  private let node: SimulatedNode

  init() throws {
    node = try SimulatedNode(callPatience: .milliseconds(60))
    try node.placeOrigin()
    node.tools.state.withLock { _ = $0.slow.insert("grow") }
  }

  private func runs(_ daemon: CallHandler) -> Int { daemon.context.locks.runs.count }

  /// Whether a call succeeds, maybe after some that say that something goes on: on a busy machine even a short check
  /// outlasts the call.
  private func succeeds(_ daemon: CallHandler, _ words: [String]) async throws -> Bool {
    let limit = MonotonicClock.now() + .seconds(60)
    while MonotonicClock.now() < limit {
      if await daemon.handle(words).reply.isSuccess { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  @Test("is completed without its caller, and then mounted; meanwhile calls say what they wait for")
  func goesOn() async throws {
    let daemon = try await node.start()
    for _ in 0..<2 {
      await daemon.fail(Origin.mount(mebibytes: 2048), naming: SimulatedNode.name, "completed as a clone", "call again")
    }
    #expect(node.mountPoints() == [node.stagingPath], "nobody else sees it")
    #expect(try await succeeds(daemon, ["mount", Origin.pod(), SimulatedNode.options(volume: Origin.name)]))
    node.tools.state.withLock { _ = $0.slow.remove("grow") }
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(node.isCompleteClone && node.view.permits.isEmpty)
    #expect(try await succeeds(daemon, Origin.mount(mebibytes: 2048)))
  }

  @Test("is removed with all its traces if its PV is deleted meanwhile")
  func removed() async throws {
    let daemon = try await node.start()
    await daemon.fail(Origin.mount(mebibytes: 2048), naming: "call again")
    #expect(try await succeeds(daemon, ["remove", SimulatedNode.name]))
    #expect(runs(daemon) == 0)
    #expect(node.volume() == nil && node.view.permits.isEmpty && node.mountPoints().isEmpty)
    #expect(node.contents(of: Origin.device) == Origin.placed())
  }
}
