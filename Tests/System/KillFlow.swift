import LinuxSystem
import Testing
import VolumeHost

/// One thing that users or an operator want, for which the daemon is killed in one of its calls: what comes before it, how
/// it is wanted, and what must hold once it is done.
struct KillFlow: Sendable, CustomTestStringConvertible {
  let name: String
  var kubelet = Kubelet.Kind.new
  /// Runs with a healthy daemon.
  let prepare: @Sendable (Scene) async throws -> Void
  let want: Want
  /// Looks at what there is then, and takes it all away.
  let finish: @Sendable (Scene) async throws -> Void
  /// The step points that the call passes.
  let points: [String]

  var testDescription: String { "\(name), \(kubelet)" }

  /// Who calls, and who calls again.
  enum Want: Sendable {
    /// The kubelet is told, makes this call among others, and repeats it by itself until it has what it wants.
    case kubelet(
      DriverCommand, @Sendable (Scene) async throws -> Void, isDone: @Sendable (Scene) async throws -> Answer)
    /// An operator calls, and calls again.
    case operation(@Sendable (Scene) -> Answer)
  }

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

  /// The same, asked for by another kubelet.
  func with(_ kubelet: Kubelet.Kind) -> KillFlow {
    var result = self
    result.kubelet = kubelet
    return result
  }
}

extension KillFlow {
  /// Every flow. Together they pass every step point there is.
  static let all = [
    mountNew.with(.old), mountNew, mountExisting, mountReadOnly.with(.old), adopt, unmount, expand.with(.old), remove,
    waitForAttach, mountDevice, mountFromGlobal, unmountFromGlobal, unmountDevice.with(.oldAttaching), expandGlobal,
  ]

  static let mountNew = KillFlow(
    name: "mount of a new volume", prepare: { _ in }, want: .pod(by: .mount),
    finish: { try await $0.useUnmountRemove() },
    points: [
      "permit-written", "volume-created", "format-permitted", "formatted", "permit-removed", "staging-directory-made",
      "staged", "published",
    ])

  static let mountExisting = KillFlow(
    name: "mount of a volume with data", prepare: { try await $0.makeWithData() }, want: .pod(by: .mount),
    finish: { try await $0.expectDataUnmountRemove() }, points: ["staging-directory-made", "staged", "published"])

  static let mountReadOnly = KillFlow(
    name: "read-only mount of a volume with data", prepare: { try await $0.makeWithData() },
    want: .pod(by: .mount) { options in options.isReadOnly = true },
    finish: { scene in
      #expect(writeError(in: scene.directory) == .readOnly)
      try await scene.expectDataUnmountRemove()
    }, points: ["staged", "published"])

  static let adopt = KillFlow(
    name: "mount of a volume of the Go program",
    prepare: { scene in
      try await scene.makeWithData()
      let tags = try scene.node.group.volume(scene.volume)?.tags ?? []
      try scene.node.group.tag(scene.volume, removing: tags)
    }, want: .pod(by: .mount),
    finish: { scene in
      #expect(try scene.node.group.volume(scene.volume)?.isOurs == true)
      try await scene.expectDataUnmountRemove()
    }, points: ["volume-adopted", "staged"])

  static let unmount = KillFlow(
    name: "unmount", prepare: { try await $0.makeAndMountWithData() }, want: .noPod(by: .unmount),
    finish: { scene in
      #expect(try scene.node.group.volume(scene.volume) != nil)
      try await scene.node.startPod(scene.volume, scene.options).succeeds()
      try await scene.expectDataUnmountRemove()
    }, points: ["unpublished", "unstaged", "staging-directory-removed", "released"])

  static let expand = KillFlow(
    name: "expandfs", prepare: { try await $0.makeAndMountWithData() }, want: .growth,
    finish: { scene in
      #expect(try capacity(of: scene.directory) > 96 << 20)
      try await scene.expectDataUnmountRemove()
    }, points: ["volume-extended", "file-system-grown"])

  static let remove = KillFlow(
    name: "remove", prepare: { try await $0.makeWithData() }, want: .operation { $0.node.remove($0.volume) },
    finish: { scene in
      let left = try scene.node.group.volume(scene.volume)
      #expect(left == nil)
    },
    points: ["staging-directory-removed", "released", "removal-proven", "volume-removed"])
}

// The attach path.
extension KillFlow {
  static let waitForAttach = KillFlow(
    name: "waitforattach of a new volume", kubelet: .newAttaching, prepare: { _ in }, want: .pod(by: .waitForAttach),
    finish: { scene in
      try scene.marker.write(in: scene.global)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["permit-written", "volume-created"])

  static let mountDevice = KillFlow(
    name: "mountdevice of a new volume", kubelet: .newAttaching, prepare: { _ in }, want: .pod(by: .mountDevice),
    finish: { scene in
      try scene.marker.write(in: scene.global)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["format-permitted", "formatted", "permit-removed", "device-mounted"])

  static let mountFromGlobal = KillFlow(
    name: "mount from the global directory", kubelet: .newAttaching, prepare: { try await $0.makeWithData() },
    want: .pod(by: .mount),
    finish: { scene in
      #expect(scene.marker.isIn(scene.directory))
      #expect(try MountTable.current().at(scene.directory).count == 1)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["published"])

  static let unmountFromGlobal = KillFlow(
    name: "unmount beside the global directory", kubelet: .newAttaching,
    prepare: { try await $0.makeAndMountWithData() }, want: .noPod(by: .unmount), finish: { try await $0.startAgain() },
    points: ["unpublished", "staging-directory-removed", "released"])

  static let unmountDevice = KillFlow(
    name: "unmountdevice", kubelet: .newAttaching, prepare: { try await $0.makeAndMountWithData() },
    want: .noPod(by: .unmountDevice), finish: { try await $0.startAgain() }, points: ["device-unmounted"])

  static let expandGlobal = KillFlow(
    name: "expandfs at the global directory", kubelet: .newAttaching, prepare: { try await $0.makeWithData() },
    want: .pod(by: .expandFileSystem) { options in
      options.claim = 64 << 20
      options.capacity = 128 << 20
    },
    finish: { scene in
      #expect(try capacity(of: scene.global) > 96 << 20)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["volume-extended"])
}

// MARK: - What is wanted

extension KillFlow.Want {
  /// The pod is to run; the daemon dies in this call.
  static func pod(
    by command: DriverCommand, _ change: @escaping @Sendable (inout Options) -> Void = { _ in }
  ) -> KillFlow.Want {
    .kubelet(command) { scene in
      var options = scene.options
      change(&options)
      try await scene.node.schedulePod(scene.volume, options)
    } isDone: { scene in
      try await scene.node.waitUntilReady(scene.volume)
    }
  }

  /// The pod is to go.
  static func noPod(by command: DriverCommand) -> KillFlow.Want {
    .kubelet(command) { scene in
      try await scene.node.kubelet.end(scene.node.podUID("pod-a", scene.volume))
    } isDone: { scene in
      try await scene.node.deletePod(scene.volume)
    }
  }

  /// The pod's volume is to grow in use.
  static var growth: KillFlow.Want {
    .kubelet(.expandFileSystem) { scene in
      var options = scene.options
      options.claim = 64 << 20
      options.capacity = 128 << 20
      try await scene.node.schedulePod(scene.volume, options)
    } isDone: { scene in
      let isGrown = try await eventually(seconds: 60) {
        try scene.node.kubelet.events.last { $0.volume == scene.volume }?.reason == "FileSystemResizeSuccessful"
      }
      return isGrown ? .success("growth") : .failure("growth", "not grown")
    }
  }
}

// MARK: - What flows share

extension KillFlow.Scene {
  func makeAndMountWithData() async throws {
    try await node.startPod(volume, options).succeeds()
    try marker.write(in: directory)
  }

  func makeWithData() async throws {
    try await makeAndMountWithData()
    try await node.deletePod(volume).succeeds()
  }

  /// The new volume must be usable.
  func useUnmountRemove() async throws {
    #expect(writeError(in: directory) == nil)
    try marker.write(in: directory)
    try await expectDataUnmountRemove()
  }

  /// The data must be there, in one mount, on one sound file system.
  func expectDataUnmountRemove() async throws {
    #expect(marker.isIn(directory), "the data is gone")
    #expect(try MountTable.current().at(directory).count == 1, "mounts are stacked")
    try await deleteProveRemove()
  }

  func expectGlobalDataUnmountRemove() async throws {
    #expect(marker.isIn(global), "the data is gone")
    #expect(try MountTable.current().at(global).count == 1, "mounts are stacked")
    try await deleteProveRemove()
    #expect(try MountTable.current().at(global).isEmpty)
  }

  /// After the attach path was taken back: the volume is there, with its data.
  func startAgain() async throws {
    #expect(try MountTable.current().at(global).isEmpty)
    try await node.startPod(volume, options).succeeds()
    try await expectGlobalDataUnmountRemove()
  }

  private func deleteProveRemove() async throws {
    try await node.deletePod(volume).succeeds()
    try FileSystemProof.expectOne(options.fileSystem ?? "ext4", on: try device)
    node.remove(volume).succeeds()
  }
}
