import Glibc
import LinuxSystem
import Testing

/// Power cuts take a boot each: `lab/test power` starts this suite again and again, with ELASTIC_LOCAL_POWER_STEP = 0, 1,
/// 2 … on the same two disks, one for the group and one for the daemon's state. Each run first proves that the node
/// comes back from the cut before it, then goes up to the next point and asks for the power to be cut.
@Suite(
  "After a power cut", .serialized, .lab,
  .enabled(if: Lab.powerStep != nil, "takes a boot for each cut: run by lab/test power"), .exclusive)
struct PowerCutTests {
  @Test("the same call again succeeds, what was synced is there, and nothing is left behind")
  func cutAndComeBack() throws {
    let step = try #require(Lab.powerStep)
    let node = try boot(isFirst: step == 0)
    if step > 0 {
      try node.start()
      try PowerCut.all[step - 1].comeBack(node)
      try node.stop()
      let leaks = try Leaks.found(on: node).filter { !$0.hasPrefix("mount \(node.state) ") }
      try require(leaks.isEmpty, "\(PowerCut.all[step - 1].name) left behind: \(leaks)")
      print("came back from: \(PowerCut.all[step - 1].name)")
    }
    guard step < PowerCut.all.count else { return }
    try PowerCut.all[step].goUpTo(node)
    cutPower()
    throw Trouble("the power was not cut")
  }

  /// The group and the state directory, made by the first boot and found by the others.
  private func boot(isFirst: Bool) throws -> Node {
    let (name, disks, stateDisk) = ("lab-power", [Lab.disks[0]], Lab.disks[1])
    let group =
      isFirst ? try VolumeGroup(named: name, disks: disks) : VolumeGroup(existing: name, disks: disks)
    if isFirst { try run("mkfs.ext4", "-q", "-F", stateDisk) }
    let node = try Node(.thick(group), root: "/run/lab-power")
    try Mounting.mount(device: stateDisk, atPath: node.state, fileSystem: "ext4", flags: [], data: "")
    return node
  }

  /// lab/run waits for exactly this line.
  private func cutPower() {
    let line = Array("\nLAB-POWER-CUT\n".utf8)
    _ = line.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
    sleep(30)
  }
}

/// Up to where things go before the power fails, and what has to hold after it.
private struct PowerCut: Sendable {
  let name: String
  let goUpTo: @Sendable (Node) throws -> Void
  let comeBack: @Sendable (Node) throws -> Void

  private static let volume = "pvc-7f6b2f0e-5d0c-4f3e-9d36-0000000c0de0"
  private static let marker = Marker(seed: 41)

  static let all =
    ["permit-written", "volume-created", "format-permitted", "formatted", "permit-removed", "staged", "published"].map {
      whileMaking(at: "\($0):kill")
    } + [whileMaking(at: "format-permitted:kill-after-30"), inUse, whileGrowing, whileRemoving]

  /// The node loses power at the very moment the daemon dies at a step point of the first mount.
  private static func whileMaking(at fault: String) -> PowerCut {
    PowerCut(name: "the making of a volume, \(fault)") { node in
      try node.start(fault: fault)
      _ = try node.mount(volume)
      try node.expectDeath(fault)
    } comeBack: { node in
      try useAndRemove(node)
    }
  }

  private static let inUse = PowerCut(name: "a volume in use, data synced") { node in
    try node.start()
    try require(node.mount(volume))
    try marker.write(in: node.podDirectory("pod-a", volume))
  } comeBack: { node in
    try requireData(node)
  }

  private static let whileGrowing = PowerCut(name: "growing, volume-extended") { node in
    try node.start()
    try require(node.mount(volume))
    try marker.write(in: node.podDirectory("pod-a", volume))
    try node.restart(fault: "volume-extended:kill")
    _ = try node.expand(volume, toMebibytes: 128)
    try node.expectDeath("volume-extended")
  } comeBack: { node in
    try require(node.mount(volume))
    try require(node.expand(volume, toMebibytes: 128))
    try require(capacity(of: node.podDirectory("pod-a", volume)) > 96 << 20, "the file system did not grow")
    try requireData(node)
  }

  private static let whileRemoving = PowerCut(name: "removal, removal-proven") { node in
    try node.start()
    try require(node.mount(volume))
    try require(node.unmount(volume))
    try node.restart(fault: "removal-proven:kill")
    _ = try node.remove(volume)
    try node.expectDeath("removal-proven")
  } comeBack: { node in
    try require(node.remove(volume))
    try require(node.group.volume(volume) == nil, "the volume is still there")
  }

  private static func useAndRemove(_ node: Node) throws {
    try require(node.mount(volume))
    try marker.write(in: node.podDirectory("pod-a", volume))
    try requireData(node)
  }

  private static func requireData(_ node: Node) throws {
    try require(node.mount(volume))
    try require(marker.isIn(node.podDirectory("pod-a", volume)), "the data is gone")
    try require(node.unmount(volume))
    let flaw = try FileSystemProof.flaw(of: node.group.device(volume), asOne: "ext4")
    try require(flaw == nil, flaw ?? "")
    try require(node.remove(volume))
  }
}

/// Stops the run: an expectation that fails would be forgotten when the power is cut.
private func require(_ condition: Bool, _ message: String) throws {
  if !condition { throw Trouble(message) }
}

private func require(_ reply: FlexReply) throws { try require(reply.isSuccess, "\(reply)") }
