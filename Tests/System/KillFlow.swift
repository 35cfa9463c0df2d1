import LinuxSystem
import Testing
import VolumeHost

/// One thing that users or an operator want, for which the daemon is killed in one of its calls: what comes before it, how
/// it is wanted, and what must hold once it is done.
struct KillFlow: Sendable, CustomTestStringConvertible {
  let name: String
  var kubelet = Kubelet.Kind.new
  var storage = StorageKind.thick
  /// Runs with a healthy daemon.
  let prepare: @Sendable (Scene) async throws -> Void
  let want: Want
  /// Looks at what there is then, and takes it all away.
  let finish: @Sendable (Scene) async throws -> Void
  /// The step points that the call passes.
  let points: [String]
  var options = Options()

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
    /// What a clone begins as.
    let origin = Scratch.volumeName()
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
    cloneOfExt4, cloneOfXFS, waitForAttach, mountDevice, mountFromGlobal, unmountFromGlobal,
    unmountDevice.with(.oldAttaching), expandGlobal,
  ]

  static let mountNew = KillFlow(
    name: "mount of a new volume", prepare: { _ in }, want: .pod(by: .mount),
    finish: { try await $0.useUnmountRemove() },
    points: [
      "permit-written", "volume-created", "volume-cleared", "format-permitted", "formatted", "permit-removed",
      "staging-directory-created", "staged", "published",
    ])

  static let mountExisting = KillFlow(
    name: "mount of a volume with data", prepare: { try await $0.makeWithData() }, want: .pod(by: .mount),
    finish: { try await $0.expectDataUnmountRemove() }, points: ["staging-directory-created", "staged", "published"])

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
    }, points: ["unpublished", "unstaged", "staging-directory-removed", "detached"])

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
    points: ["staging-directory-removed", "detached", "removal-proven", "volume-removed"])
}
