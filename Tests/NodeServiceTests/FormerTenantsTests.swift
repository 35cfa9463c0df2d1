import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// Found by `make torture SEED=23 N=60`: lvcreate has made the volume when it wipes what lay in its place. A daemon that was
/// killed between the two took a former tenant's file system for the one that it had been going to make.
@Suite("Data of a former volume at the place of a new one")
struct FormerTenantsTests {
  let node: SimulatedNode
  let calls: [[String]] = [SimulatedNode.mount(1), ["waitforattach", "", SimulatedNode.options()]]

  init() throws { node = try SimulatedNode() }

  @Test(
    "is never mounted, whatever it is: the volume is created again",
    arguments: [
      DeviceContents.fileSystem(type: "ext4", uuid: "0b0e5a7c-2f7e-4a57-9c3e-5d1ea1f0c0de", label: nil),
      .fileSystem(type: "xfs", uuid: nil, label: nil), .fileSystem(type: "vfat", uuid: "1234-5678", label: nil),
      .fileSystem(type: "btrfs", uuid: "0b0e5a7c-2f7e-4a57-9c3e-5d1ea1f0c0de", label: "data"),
      .other(kind: "crypto_LUKS"), .ambivalent("ext4, partition table dos"),
    ])
  func notOurs(contents: DeviceContents) async throws {
    defer { node.discard() }
    for call in calls {
      _ = try await node.run(call, crashingAt: .volumeCreated)
      let first = try #require(node.volume())
      node.world.state.withLock { $0.devices[SimulatedNode.device] = contents }
      let daemon = try await node.start()
      #expect(node.volume() == nil, "\(contents)")
      await daemon.succeed(SimulatedNode.mount(1))
      #expect(node.volume()?.instance != first.instance)
      #expect(node.formats() == 1)
      await daemon.succeed(SimulatedNode.unmount(1))
      await daemon.succeed(["remove", SimulatedNode.name])
      node.world.state.withLock { $0.formats = [:] }
    }
  }

  @Test(
    "is distinguished from a later file system if the permit comes back from a backup",
    arguments: FileSystemKind.allCases)
  func ours(kind: FileSystemKind) async throws {
    defer { node.discard() }
    let daemon = try await node.start()
    await daemon.succeed(["mount", SimulatedNode.pod(1), SimulatedNode.options(fsType: kind.rawValue)])
    await daemon.succeed(SimulatedNode.unmount(1))
    let token = try #require(node.volume()?.marks?.creation)
    let permit = FormatPermit(volume: try VolumeName(SimulatedNode.name), creation: token, progress: .planned)
    try FormatPermits(directory: node.configuration.permitDirectory).write(permit)
    let before = node.volume()
    let restarted = try await node.start()
    await restarted.succeed(SimulatedNode.mount(1))
    #expect(node.volume() == before)
    #expect(node.formats() == 1)
    #expect(node.view.permits.isEmpty)
  }

  @Test(
    "the name of a file system is the token's alone, and a UUID",
    arguments: ["abcdefghijklmnop", "abcdefgh", "zz234567abcd7777x"])
  func names(text: String) throws {
    let token = try #require(CreationToken(text))
    let uuid = token.fileSystemIdentity.uuid
    #expect(uuid.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    #expect(uuid.split(separator: "-")[2].first == "8", "version 8")
    #expect("89ab".contains(uuid.split(separator: "-")[3].first ?? " "), "RFC 9562's variant")
    #expect(uuid.filter { $0 != "-" }.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    #expect(token.fileSystemIdentity == CreationToken(text)?.fileSystemIdentity)
  }

  @Test("no two tokens in ten thousand name the same file system")
  func distinct() {
    var generator = SystemRandomNumberGenerator()
    let tokens = Set((0..<10_000).map { _ in CreationToken(using: &generator) })
    #expect(Set(tokens.map(\.fileSystemIdentity.uuid)).count == tokens.count)
  }
}
