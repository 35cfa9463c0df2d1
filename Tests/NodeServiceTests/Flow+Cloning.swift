import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// The volume that clones of these tests begin as.
enum Origin {
  static let name = "pvc-1f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"
  static let device = "/dev/simulated/" + name
  /// A simulated volume's instance is its creation token.
  static let instance = "originoriginorig"
  /// What tells its data: a label that a clone of an ext4 keeps.
  static let label = "content"

  static func placed(_ kind: FileSystemKind = .ext4, uuid: String = "data") -> DeviceContents {
    .fileSystem(type: kind.rawValue, uuid: uuid, label: label)
  }

  /// Options of a call for a clone of it.
  static func options(
    mebibytes: UInt64 = 1024, fsType: String = "", instance: String = instance, readOnly: Bool = false,
    _ more: [String: String] = [:]
  ) -> String {
    SimulatedNode.options(
      size: "\(mebibytes << 20)", readOnly: readOnly, fsType: fsType,
      ["cloneOf": name, "cloneOfInstance": instance].merging(more) { $1 })
  }

  static func mount(_ number: Int = 1, mebibytes: UInt64 = 1024) -> [String] {
    ["mount", SimulatedNode.pod(number), options(mebibytes: mebibytes)]
  }

  static func pod(_ number: Int = 7) -> String { SimulatedNode.pod(number, volume: name) }
}

extension SimulatedNode {
  /// Places the origin, with data, as a call of earlier has left it.
  func placeOrigin(_ kind: FileSystemKind = .ext4, uuid: String = "data") throws {
    let name = try VolumeName(Origin.name)
    let creation = CreationToken(Origin.instance)
    world.state.withLock { state in
      state.volumes[name.text] = StoredVolume(
        name: name, instance: Origin.instance, location: .device(Origin.device), size: .gibibytes(1),
        group: SimulatedEngine.group, ownership: .ours(StoredVolume.Marks(claim: nil, creation: creation)),
        isActive: true, createdAt: nil)
      state.devices[Origin.device] = Origin.placed(kind, uuid: uuid)
      state.deviceNumbers[Origin.device] = DeviceNumber(major: 241, minor: 1)
    }
  }

  /// The clone, if its file system is complete: with the identity of its own token.
  var isCompleteClone: Bool {
    guard let marks = volume()?.marks, let creation = marks.creation, let contents = contents() else { return false }
    return marks.origin == Origin.instance && contents.bears(creation.fileSystemIdentity)
  }
}

extension Flow {
  private static func cloned(_ kind: FileSystemKind, at mounts: [String]) -> @Sendable (SimulatedNode) -> String? {
    { node in
      guard node.contents(of: Origin.device) == Origin.placed(kind) else { return "the origin has changed" }
      guard node.isCompleteClone else { return "the clone has no identity: \(String(describing: node.contents()))" }
      let wanted = (mounts + [node.stagingPath]).sorted()
      let found = node.mountPoints().filter { !$0.contains(Origin.name) }
      guard mounts.isEmpty ? found.isEmpty : found == wanted else { return "mounted at \(found)" }
      return node.view.permits.isEmpty ? nil : "a permit is left"
    }
  }

  static let cloning: [Flow] = [
    Flow(
      name: "mount of a clone", prepare: { node, _ in try node.placeOrigin() }, call: Origin.mount(),
      verify: cloned(.ext4, at: [SimulatedNode.pod(1)]), formats: 0,
      takeDown: [SimulatedNode.unmount(1), ["remove", Origin.name]]),
    Flow(
      name: "mount of a larger clone of an xfs in use",
      prepare: { node, daemon in
        try node.placeOrigin(.xfs)
        await daemon.succeed(["mount", Origin.pod(), SimulatedNode.options(volume: Origin.name)])
      }, call: Origin.mount(mebibytes: 2048),
      verify: { node in
        guard node.volume()?.size == .gibibytes(2) else { return "the volume has \(node.volume()?.size.bytes ?? 0)" }
        let grown = node.tools.state.withLock { $0.grown }
        guard grown.contains("xfs \(SimulatedNode.device) at \(node.stagingPath)") else { return "grown: \(grown)" }
        return cloned(.xfs, at: [SimulatedNode.pod(1)])(node)
      }, formats: 0, afterReboot: [["mount", Origin.pod(), SimulatedNode.options(volume: Origin.name)]],
      takeDown: [SimulatedNode.unmount(1), ["unmount", Origin.pod()], ["remove", Origin.name]]),
    Flow(
      name: "waitforattach of a clone of a btrfs", prepare: { node, _ in try node.placeOrigin(.btrfs) },
      call: ["waitforattach", "", Origin.options()], verify: cloned(.btrfs, at: []), formats: 0,
      takeDown: [["remove", Origin.name]]),
  ]
}
