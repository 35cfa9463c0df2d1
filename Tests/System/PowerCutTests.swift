import Glibc
import LinuxSystem
import Testing
import VolumeHost

/// Power cuts take a boot each: `lab/test power` starts this suite again and again, with ELASTIC_LOCAL_POWER_STEP = 0, 1,
/// 2 … on the same two disks, one for the group and one for the daemon's state. Each run first proves that the node
/// comes back from the cut before it, then goes up to the next point and asks for the power to be cut.
@Suite(
  "After a power cut", .serialized, .lab,
  .enabled(if: Lab.powerStep != nil, "takes a boot for each cut: run by lab/test power"), .exclusive)
struct PowerCutTests {
  @Test("the same call again succeeds, what was synced is there, and nothing is left behind")
  func cutAndComeBack() async throws {
    let step = try #require(Lab.powerStep)
    let group = try boot(isFirst: step == 0)
    if step > 0 {
      let cut = PowerCut.all[step - 1]
      let node = try Node(cut.storage(group), root: Self.root, kubelet: cut.kubelet)
      try await node.start()
      try await cut.comeBack(node)
      try await endWell(node, cut.name)
    }
    guard step < PowerCut.all.count else { return }
    let cut = PowerCut.all[step]
    try await cut.goUpTo(try Node(cut.storage(group), root: Self.root, kubelet: cut.kubelet))
    cutPower()
    throw Trouble("the power was not cut")
  }

  private func endWell(_ node: Node, _ name: String) async throws {
    let kubelet = try node.kubelet
    await kubelet.shutDown()
    try require(kubelet.runner.flaws.isEmpty, "\(kubelet.runner.flaws)")
    try require(kubelet.leftDirectories.isEmpty, "\(kubelet.leftDirectories)")
    try node.stop()
    let leaks = try Leaks.found(on: node)
    try require(leaks.isEmpty, "\(name) left behind: \(leaks)")
    print("came back from: \(name)")
  }

  /// The group and the node's directories, made by the first boot and found by the others.
  private func boot(isFirst: Bool) throws -> VolumeGroup {
    let (name, disks, nodeDisk) = ("lab-power", [Lab.disks[0]], Lab.disks[1])
    let group =
      isFirst ? try VolumeGroup(named: name, disks: disks, thinPool: "1g") : VolumeGroup(existing: name, disks: disks)
    if isFirst { try run("mkfs.ext4", "-q", "-F", nodeDisk) }
    // What the daemon knows and the kubelet's directories outlive the cut, mounts do not.
    try Files.makeDirectories(Self.root, mode: 0o755)
    try Mounting.mount(device: nodeDisk, atPath: Self.root, fileSystem: "ext4", flags: [], data: "")
    return group
  }

  private static let root = "/run/lab-power"

  /// lab/run waits for exactly this line.
  private func cutPower() {
    let line = Array("\nLAB-POWER-CUT\n".utf8)
    _ = line.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
    sleep(30)
  }
}

/// Up to where things go before the power fails, and what has to hold after it: the kubelet comes back with the pods that
/// the API server still has.
private struct PowerCut: Sendable {
  let name: String
  var kubelet = Kubelet.Kind.new
  var isThin = false
  let goUpTo: @Sendable (Node) async throws -> Void
  let comeBack: @Sendable (Node) async throws -> Void

  private static let volume = "pvc-7f6b2f0e-5d0c-4f3e-9d36-0000000c0de0"
  private static let marker = Marker(seed: 41)

  func storage(_ group: VolumeGroup) -> Node.Storage { isThin ? .thin(group) : .thick(group) }

  static let all =
    [
      "permit-written", "volume-created", "volume-cleared", "format-permitted", "formatted", "permit-removed", "staged",
      "published",
    ].map { whileMaking(at: "\($0):kill") } + [
      whileMaking(at: "format-permitted:kill-after-30"), inUse, inUseAttached, podGone, whileGrowing, whileRemoving,
    ] + ["volume-cloned", "clone-identified", "permit-removed"].map { whileCloning(at: $0) }
    + ["clone-mounted", "clone-unmounted"].map { whileCloning(at: $0, "xfs") }

  /// The node loses power at the very moment the daemon dies at a step point of the first mount.
  private static func whileMaking(at fault: String) -> PowerCut {
    PowerCut(name: "the making of a volume, \(fault)") { node in
      try await node.start(fault: fault)
      try await node.schedulePod(volume)
      try await node.expectDeath(fault)
    } comeBack: { node in
      try await podComesBack(node)
      try marker.write(in: node.podDirectory("pod-a", volume))
      try await requireDataAndEnd(node)
    }
  }

  private static let inUse = use("a volume in use, data synced", .old)
  private static let inUseAttached = use("an attached volume in use, data synced", .newAttaching)

  private static func use(_ name: String, _ kubelet: Kubelet.Kind) -> PowerCut {
    PowerCut(name: name, kubelet: kubelet) { node in
      try await startWithData(node)
    } comeBack: { node in
      try await podComesBack(node)
      try await requireDataAndEnd(node)
    }
  }

  /// The pod was deleted while the node was down: all that the kubelet has of it is a directory.
  private static let podGone = PowerCut(name: "a volume in use whose pod goes meanwhile") { node in
    try await startWithData(node)
    // Its directory reaches the disk, as it has a few seconds later by itself.
    try run("sync", "-f", node.root)
  } comeBack: { node in
    let directory = node.podDirectory("pod-a", volume)
    try require(Files.exists(directory), "the pod's directory did not outlive the cut")
    _ = try await node.kubelet.running()
    try require(try await node.kubelet.finish(node.podUID("pod-a", volume)))
    try require(!Files.exists(directory), "the directory of a pod that is gone is left")
    try require(node.kubelet.runner.records.contains { $0.call.command == .unmount }, "no unmount was sent")
    try require(try await node.startPod(volume))
    try await requireDataAndEnd(node)
  }

  private static let whileGrowing = PowerCut(name: "growing, volume-extended") { node in
    try await startWithData(node)
    try await node.restart(fault: "volume-extended:kill")
    try await node.schedulePod(volume, grown)
    try await node.expectDeath("volume-extended")
  } comeBack: { node in
    try await podComesBack(node, grown)
    try require(capacity(of: node.podDirectory("pod-a", volume)) > 96 << 20, "the file system did not grow")
    try await requireDataAndEnd(node)
  }

  private static let whileRemoving = PowerCut(name: "removal, removal-proven") { node in
    try await startWithData(node)
    try require(try await node.deletePod(volume))
    try await node.restart(fault: "removal-proven:kill")
    node.remove(volume)
    try await node.expectDeath("removal-proven")
  } comeBack: { node in
    try require(node.remove(volume))
    try require(node.group.volume(volume) == nil, "the volume is still there")
  }

  private static let origin = "pvc-7f6b2f0e-5d0c-4f3e-9d36-0000000c0de1"

  /// The origin is complete, and its clone is at a step.
  private static func whileCloning(at point: String, _ fileSystem: String = "ext4") -> PowerCut {
    let options = Options.smallest(fileSystem)
    return PowerCut(name: "the cloning of an \(fileSystem), \(point)", isThin: true) { node in
      try await node.start()
      try require(try await node.startPod(origin, options))
      try marker.write(in: node.podDirectory("pod-a", origin))
      try require(try await node.deletePod(origin))
      try await node.restart(fault: "\(point):kill")
      try await node.schedulePod(volume, try node.clone(of: origin, options))
      try await node.expectDeath(point)
    } comeBack: { node in
      try await podComesBack(node, try node.clone(of: origin, options))
      try require(try await node.startPod(origin, options))
      for name in [origin, volume] {
        try require(marker.isIn(node.podDirectory("pod-a", name)), "the data of \(name) is gone")
      }
      for name in [origin, volume] {
        try require(try await node.deletePod(name))
        let flaw = try FileSystemProof.flaw(of: node.group.device(name), asOne: fileSystem)
        try require(flaw == nil, flaw ?? "")
        try require(node.remove(name))
      }
    }
  }

  private static let grown = Options(capacity: 128 << 20, claim: 64 << 20)

  private static func startWithData(_ node: Node) async throws {
    try await node.start()
    try require(try await node.startPod(volume))
    try marker.write(in: node.podDirectory("pod-a", volume))
  }

  /// The kubelet starts with the pod, finds its directory and nothing mounted on it.
  private static func podComesBack(_ node: Node, _ options: Options = Options()) async throws {
    try await node.schedulePod(volume, options)
    try require(try await node.waitUntilReady(volume))
  }

  private static func requireDataAndEnd(_ node: Node) async throws {
    try require(marker.isIn(node.podDirectory("pod-a", volume)), "the data is gone")
    try require(try await node.deletePod(volume))
    let flaw = try FileSystemProof.flaw(of: node.group.device(volume), asOne: "ext4")
    try require(flaw == nil, flaw ?? "")
    try require(node.remove(volume))
  }
}

/// Stops the run: an expectation that fails would be forgotten when the power is cut.
private func require(_ condition: Bool, _ message: String) throws {
  if !condition { throw Trouble(message) }
}

private func require(_ answer: Answer) throws { try require(answer.isSuccess, "\(answer)") }
