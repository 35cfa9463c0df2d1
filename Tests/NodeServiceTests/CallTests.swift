import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

@Suite("Calls that are refused or have nothing to do", .timeLimit(.minutes(1)))
struct CallTests {
  private let node: SimulatedNode

  init() throws { node = try SimulatedNode() }

  private static let names = ["snapshot-1", String(repeating: "v", count: 113), "-pvc", "a b", "v_tdata", "ü"]

  @Test("an unmount of a directory that cannot be a volume's, with nothing mounted, is Success", arguments: names)
  func unmountOfNoVolume(name: String) async throws {
    let daemon = try await node.start()
    await daemon.succeed(["unmount", SimulatedNode.pod(volume: name)])
    await daemon.succeed(["unmountdevice", SimulatedNode.global(name)])
    await daemon.fail(["mount", SimulatedNode.pod(volume: name), SimulatedNode.options(volume: name)], naming: "name")
    #expect(node.view.isEmpty)
  }

  @Test("with something mounted it is a Failure, and the mount is left alone", arguments: names)
  func unmountOfForeign(name: String) async throws {
    let daemon = try await node.start()
    node.placeMount(at: SimulatedNode.pod(volume: name))
    await daemon.fail(["unmount", SimulatedNode.pod(volume: name)], naming: "/dev/sda1", "not by this driver")
    #expect(node.mountPoints() == [SimulatedNode.pod(volume: name)])
  }

  @Test("an unmount outside the two directories of kubelet stays refused", arguments: [".", "..", ""])
  func unmountElsewhere(name: String) async throws {
    let daemon = try await node.start()
    await daemon.fail(["unmount", SimulatedNode.pod(volume: name)])
    await daemon.fail(["unmount", "/etc/\(name)"])
  }

  @Test("the log line of a failed call has volume and pod, the reason once, and a level by its code")
  func logged() async throws {
    let daemon = try await node.start()
    node.tools.state.withLock { $0.failing = "mkfs" }
    await daemon.fail(SimulatedNode.mount(1), naming: "out of luck")
    let line = try #require(node.lines.withLock { $0.last { $0.contains("call failed") } })
    #expect(line.contains(" error call failed"), "\(line)")
    #expect(line.contains("volume=\(SimulatedNode.name)"), "\(line)")
    #expect(line.contains("pod=prod/db-0"), "\(line)")

    await daemon.fail(["unmount", SimulatedNode.pod(7) + "/x"])
    await daemon.fail(["mount", SimulatedNode.pod(2), "{\"kubernetes.io/secret/x\":\"hunter2\",\"bad\":\"hunter2\"}"])
    let refused = try #require(node.lines.withLock { $0.last { $0.contains("call failed") } })
    #expect(refused.contains(" warning call failed"), "\(refused)")
    #expect(refused.contains("pod=00000000-0000-0000-0000-000000000002"), "\(refused)")
    #expect(refused.contains("volume=\(SimulatedNode.name)"), "\(refused)")
    #expect(!refused.contains("hunter2"))
    await daemon.fail(["remove", "snapshot-1"])
    #expect(node.lines.withLock { $0.last?.contains("volume=snapshot-1") } == true)
  }

  @Test("the cause of an error appears once")
  func reasonOnce() {
    let cause = SystemError(operation: "mount", subject: "/dev/x", errno: .ioError)
    let quoting = VolumeError(cause, during: "mounting /dev/x")
    #expect("\(quoting)".ranges(of: "\(cause)").count == 1, "\(quoting)")
    let silent = VolumeError(.internal, "the permit cannot be written", cause: cause)
    #expect("\(silent)".contains("\(cause)"), "\(silent)")
  }

  @Test("a clock that was set back keeps no volume from removal for longer than the grace time")
  func clockSetBack() async throws {
    let node = try SimulatedNode(reclaimGrace: .seconds(60))
    let clock = Mutex(Timestamp(seconds: 2_000_000_000))
    let steady = Mutex(Duration.seconds(1000))
    let daemon = try await node.start(
      now: { clock.withLock { $0 } }, unknownAges: UnknownAges { steady.withLock { $0 } })
    await daemon.succeed(["waitforattach", "", SimulatedNode.options()])
    node.world.state.withLock { state in
      state.volumes[SimulatedNode.name]?.createdAt = Timestamp(seconds: 2_000_000_000)
    }
    // A year back, and the system's clock will not be there again for long.
    clock.withLock { $0 = Timestamp(seconds: 1_970_000_000) }
    await daemon.fail(
      ["remove", SimulatedNode.name], naming: SimulatedNode.name, "its age is not known", "60 s", "--reclaim-grace")
    steady.withLock { $0 = .seconds(1059) }
    await daemon.fail(["remove", SimulatedNode.name], naming: "Try again in 1 s")
    steady.withLock { $0 = .seconds(1060) }
    await daemon.succeed(["remove", SimulatedNode.name])
  }
}
