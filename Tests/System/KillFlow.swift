import Glibc
import LinuxSystem
import Testing

/// One call of kubelet, or of an operator, in which the daemon is to be killed: what comes before it, the call, and
/// what must hold once it has succeeded.
struct KillFlow: Sendable, CustomTestStringConvertible {
  let name: String
  /// Runs with a healthy daemon.
  let prepare: @Sendable (Scene) throws -> Void
  /// The call; made once with the daemon dying in it, and once again.
  let act: @Sendable (Scene) throws -> FlexReply
  /// Looks at what there is then, and takes it all away.
  let finish: @Sendable (Scene) throws -> Void
  /// The step points that the call passes.
  let points: [String]

  var testDescription: String { name }

  /// One run of a flow.
  struct Scene {
    let node: Node
    let volume = Scratch.volumeName()
    let marker = Marker(seed: 7)
    var options = Options()

    var directory: String { node.podDirectory("pod-a", volume) }
    var global: String { node.globalDirectory(volume) }
    var device: String { get throws { try node.group.device(volume) } }
  }
}

extension KillFlow {
  /// Every flow. Together they pass every step point there is.
  static let all = [
    mountNew, mountExisting, mountReadOnly, adopt, unmount, expand, remove, waitForAttach, mountDevice, mountFromGlobal,
    unmountFromGlobal, unmountDevice, expandGlobal,
  ]

  static let mountNew = KillFlow(
    name: "mount of a new volume", prepare: { _ in }, act: { try $0.node.mount($0.volume, $0.options) },
    finish: { try $0.useUnmountRemove() },
    points: [
      "permit-written", "volume-created", "format-permitted", "formatted", "permit-removed", "staging-directory-made",
      "staged", "published",
    ])

  static let mountExisting = KillFlow(
    name: "mount of a volume with data", prepare: { try $0.makeWithData() },
    act: { try $0.node.mount($0.volume, $0.options) }, finish: { try $0.expectDataUnmountRemove() },
    points: ["staging-directory-made", "staged", "published"])

  static let mountReadOnly = KillFlow(
    name: "read-only mount of a volume with data", prepare: { try $0.makeWithData() },
    act: { scene in
      var options = scene.options
      options.isReadOnly = true
      return try scene.node.mount(scene.volume, options)
    },
    finish: { scene in
      #expect(writeError(in: scene.directory) == .readOnly)
      try scene.expectDataUnmountRemove()
    }, points: ["staged", "published"])

  static let adopt = KillFlow(
    name: "mount of a volume of the Go program",
    prepare: { scene in
      try scene.makeWithData()
      let tags = try scene.node.group.volume(scene.volume)?.tags ?? []
      try scene.node.group.tag(scene.volume, removing: tags)
    }, act: { try $0.node.mount($0.volume, $0.options) },
    finish: { scene in
      #expect(try scene.node.group.volume(scene.volume)?.isOurs == true)
      try scene.expectDataUnmountRemove()
    }, points: ["volume-adopted", "staged"])

  static let unmount = KillFlow(
    name: "unmount",
    prepare: { scene in
      try scene.node.mount(scene.volume, scene.options).succeeds()
      try scene.marker.write(in: scene.directory)
    }, act: { try $0.node.unmount($0.volume) },
    finish: { scene in
      #expect(try scene.node.group.volume(scene.volume) != nil)
      try scene.node.mount(scene.volume, scene.options).succeeds()
      try scene.expectDataUnmountRemove()
    }, points: ["unpublished", "unstaged", "staging-directory-removed", "released"])

  static let expand = KillFlow(
    name: "expandfs", prepare: { try $0.makeAndMountWithData() },
    act: { try $0.node.expand($0.volume, toMebibytes: 128) },
    finish: { scene in
      #expect(try capacity(of: scene.directory) > 96 << 20)
      try scene.expectDataUnmountRemove()
    }, points: ["volume-extended", "file-system-grown"])

  static let remove = KillFlow(
    name: "remove", prepare: { try $0.makeWithData() }, act: { try $0.node.remove($0.volume) },
    finish: { scene in
      let left = try scene.node.group.volume(scene.volume)
      #expect(left == nil)
    },
    points: ["staging-directory-removed", "released", "removal-proven", "volume-removed"])

  static let waitForAttach = KillFlow(
    name: "waitforattach of a new volume", prepare: { _ in }, act: { try $0.node.waitForAttach($0.volume) },
    finish: { scene in
      try scene.node.mountDevice(scene.volume, device: try scene.device).succeeds()
      try scene.marker.write(in: scene.global)
      try scene.unmountDeviceAndRemove()
    }, points: ["permit-written", "volume-created"])

  static let mountDevice = KillFlow(
    name: "mountdevice of a new volume", prepare: { try $0.node.waitForAttach($0.volume).succeeds() },
    act: { try $0.node.mountDevice($0.volume, device: try $0.device) },
    finish: { scene in
      try scene.marker.write(in: scene.global)
      try scene.unmountDeviceAndRemove()
    }, points: ["format-permitted", "formatted", "permit-removed", "device-mounted"])

  static let mountFromGlobal = KillFlow(
    name: "mount from the global directory", prepare: { try $0.attachWithData() },
    act: { try $0.node.mount($0.volume) },
    finish: { scene in
      #expect(scene.marker.isIn(scene.directory))
      #expect(try MountTable.current().at(scene.directory).count == 1)
      try scene.node.unmount(scene.volume).succeeds()
      try scene.unmountDeviceAndRemove()
    }, points: ["published"])

  static let unmountFromGlobal = KillFlow(
    name: "unmount beside the global directory",
    prepare: { scene in
      try scene.attachWithData()
      try scene.node.mount(scene.volume).succeeds()
    }, act: { try $0.node.unmount($0.volume) }, finish: { try $0.unmountDeviceAndRemove() },
    points: ["unpublished", "staging-directory-removed", "released"])

  static let unmountDevice = KillFlow(
    name: "unmountdevice", prepare: { try $0.attachWithData() }, act: { try $0.node.unmountDevice($0.volume) },
    finish: { scene in
      try scene.node.mountDevice(scene.volume, device: try scene.device).succeeds()
      try scene.unmountDeviceAndRemove()
    }, points: ["device-unmounted"])

  static let expandGlobal = KillFlow(
    name: "expandfs at the global directory", prepare: { try $0.attachWithData() },
    act: { try $0.node.expand($0.volume, device: try $0.device, path: $0.global, toMebibytes: 128) },
    finish: { scene in
      #expect(try capacity(of: scene.global) > 96 << 20)
      try scene.unmountDeviceAndRemove()
    }, points: ["volume-extended"])
}

// MARK: - What flows share

extension KillFlow.Scene {
  func makeAndMountWithData() throws {
    try node.mount(volume, options).succeeds()
    try marker.write(in: directory)
  }

  func makeWithData() throws {
    try makeAndMountWithData()
    try node.unmount(volume).succeeds()
  }

  func attachWithData() throws {
    try node.waitForAttach(volume).succeeds()
    try node.mountDevice(volume, device: try device).succeeds()
    try marker.write(in: global)
  }

  /// The new volume must be usable.
  func useUnmountRemove() throws {
    #expect(writeError(in: directory) == nil)
    try marker.write(in: directory)
    try expectDataUnmountRemove()
  }

  /// The data must be there, in one mount, on one sound file system.
  func expectDataUnmountRemove() throws {
    #expect(marker.isIn(directory), "the data is gone")
    #expect(try MountTable.current().at(directory).count == 1, "mounts are stacked")
    try node.unmount(volume).succeeds()
    try FileSystemProof.expectOne(options.fileSystem ?? "ext4", on: try device)
    try node.remove(volume).succeeds()
  }

  func unmountDeviceAndRemove() throws {
    #expect(marker.isIn(global), "the data is gone")
    #expect(try MountTable.current().at(global).count == 1, "mounts are stacked")
    try node.unmountDevice(volume).succeeds()
    try FileSystemProof.expectOne("ext4", on: try device)
    try node.remove(volume).succeeds()
  }
}
