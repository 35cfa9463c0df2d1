import StorageModel
import Testing

@testable import NodeCalls
@testable import NodeService

@Suite("Volumes that are too small for their file system")
struct TooSmallTests {
  @Test(
    "a volume on which mkfs would fail is refused before anything is made, with what it needs; rounded up it may be enough",
    arguments: [(300 << 20, true), ((299 << 20) + 1, true), (296 << 20, false), (1 << 20, false)] as [(UInt64, Bool)])
  func refused(bytes: UInt64, isEnough: Bool) async throws {
    let node = try SimulatedNode()
    defer { node.discard() }
    let daemon = try await node.start()
    let call = [
      "mount", SimulatedNode.pod(1),
      #"{"sizeBytes":"\#(bytes)","kubernetes.io/fsType":"xfs","kubernetes.io/pvOrVolumeName":"\#(SimulatedNode.name)"}"#,
    ]
    if isEnough {
      await daemon.succeed(call)
    } else {
      await daemon.fail(call, naming: "too small for xfs, which needs 300 MiB")
      #expect(node.volume() == nil)
      #expect(node.view.permits.isEmpty)
    }
  }
}
