import LinuxSystem
import Testing
import VolumeHost

// Clones. The origin has data, and a pod that writes.
extension KillFlow {
  static let cloneOfExt4 = KillFlow(
    name: "mount of a clone of an ext4", storage: .thin, prepare: { try await $0.makeOrigin() }, want: .clone(),
    finish: { try await $0.expectCloneAndRemoveAll() },
    points: ["permit-written", "volume-cloned", "clone-separated", "clone-identified", "permit-removed", "staged"])

  static let cloneOfXFS = KillFlow(
    name: "mount of a larger clone of an xfs", storage: .thin, prepare: { try await $0.makeOrigin() },
    want: .clone(moreMebibytes: 64),
    finish: { scene in
      #expect(try capacity(of: scene.directory) > capacity(of: scene.originDirectory) + 48 << 20, "it did not grow")
      try await scene.expectCloneAndRemoveAll()
    },
    points: ["volume-cloned", "clone-mounted", "clone-grown", "clone-identified", "clone-unmounted"],
    options: .smallest("xfs"))
}

extension KillFlow.Want {
  /// The pod of a clone is to run.
  static func clone(moreMebibytes more: Int = 0) -> KillFlow.Want {
    .kubelet(.mount) { scene in
      var options = try scene.node.clone(of: scene.origin, scene.options)
      options.mebibytes = (options.mebibytes ?? 0) + more
      try await scene.node.schedulePod(scene.volume, options)
    } isDone: { scene in
      try await scene.node.waitUntilReady(scene.volume)
    }
  }
}

extension KillFlow.Scene {
  var originDirectory: String { node.podDirectory("pod-o", origin) }

  func makeOrigin() async throws {
    try await node.startPod(origin, pod: "pod-o", options).succeeds()
    try marker.write(in: originDirectory)
  }

  func expectCloneAndRemoveAll() async throws {
    #expect(marker.isIn(originDirectory), "the origin's data is gone")
    #expect(writeError(in: originDirectory) == nil, "the origin is still frozen or was shut down")
    try Marker(seed: 8).write(in: directory, named: "later")
    #expect(!Files.exists(originDirectory + "/later"), "the clone writes into its origin")
    try await node.deletePod(origin, pod: "pod-o").succeeds()
    try FileSystemProof.expectOne(options.fileSystem ?? "ext4", on: try node.group.device(origin))
    node.remove(origin).succeeds()
    try await expectDataUnmountRemove()
  }
}

extension Node {
  /// The options of a clone of a volume that is there.
  func clone(of origin: String, _ options: Options = Options()) throws -> Options {
    let found = try #require(try group.volume(origin))
    var options = options
    options.extra["cloneOf"] = origin
    options.extra["cloneOfInstance"] = found.uuid
    return options
  }
}
