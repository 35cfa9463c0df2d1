import Glibc
import LinuxSystem
import Testing

@Suite("Killed with -9 at every step", .serialized, .lab, .exclusive)
struct KillTests {
  @Test("the flows together pass every step point there is")
  func complete() throws {
    let points = try Program(Products.daemon, ["step-points"]).wait().output.split(separator: "\n").map(String.init)
    #expect(Set(KillFlow.all.flatMap(\.points)) == Set(points))
  }

  @Test(
    "the daemon dies at each step of a call; the same call again succeeds, and nothing is lost or left",
    arguments: KillFlow.all)
  func everyStep(flow: KillFlow) throws {
    try withNode { node in
      for point in flow.points { try killAndRepeat(flow, at: point, KillFlow.Scene(node: node)) }
    }
  }

  @Test("so it is with xfs and btrfs", arguments: ["xfs", "btrfs"])
  func otherFileSystems(fileSystem: String) throws {
    try withNode { node in
      for point in ["volume-created", "formatted", "staged"] {
        let scene = KillFlow.Scene(node: node, options: .smallest(fileSystem))
        try killAndRepeat(.mountNew, at: point, scene)
      }
    }
  }

  @Test("so it is with thin volumes")
  func thin() throws {
    try withNode(.thin) { node in
      for point in ["permit-written", "volume-created", "formatted"] {
        try killAndRepeat(.mountNew, at: point, KillFlow.Scene(node: node))
      }
      try killAndRepeat(.expand, at: "volume-extended", KillFlow.Scene(node: node))
      try killAndRepeat(.remove, at: "removal-proven", KillFlow.Scene(node: node))
    }
  }

  private func killAndRepeat(_ flow: KillFlow, at point: String, _ scene: KillFlow.Scene) throws {
    let node = scene.node
    try flow.prepare(scene)
    try node.restart(fault: "\(point):kill")
    try flow.act(scene).fails(saying: "elastic-local")
    try node.expectDeath("\(point) in \(flow.name)")
    try node.start()
    try flow.act(scene).succeeds()
    try flow.finish(scene)
    let leaks = try Leaks.found(on: node)
    #expect(leaks.isEmpty, "\(point) in \(flow.name) left behind: \(leaks.joined(separator: "; "))")
  }

  @Test(
    "killed in the middle of mkfs, mkfs dies too, and the next daemon ends with one file system",
    arguments: [0, 5, 20, 60, 150])
  func duringFormat(milliseconds: Int) throws {
    try withNode(start: false) { node in
      var scene = KillFlow.Scene(node: node)
      scene.options.mebibytes = 2048
      scene.options.extra["mkfsOptions"] = "-E lazy_itable_init=0"
      try node.start(fault: "format-permitted:kill-after-\(milliseconds)")
      // It may be quicker than its killer.
      _ = try KillFlow.mountNew.act(scene)
      try node.expectDeath("format-permitted")
      #expect(
        eventually(seconds: 5) { makers(on: scene.volume).isEmpty }, "mkfs outlives its daemon: it can hit the next one"
      )
      try node.start()
      try KillFlow.mountNew.act(scene).succeeds()
      try KillFlow.mountNew.finish(scene)
    }
  }

  @Test("a client killed in mid-call takes its call with it: nothing is left of a mount that was being made")
  func clientKilled() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      var options = Options(mebibytes: 4096)
      // Some hundred MiB of inode tables to write.
      options.extra["mkfsOptions"] = "-i 4096 -E lazy_itable_init=0"
      let directory = node.podDirectory("pod-a", volume)
      try Files.makeDirectories(directory, mode: 0o750)
      let client = try node.begin(["mount", directory, options.json(volume, pod: "pod-a")])
      #expect(eventually { !makers(on: volume).isEmpty }, "mkfs was not seen")
      client.send(SIGKILL)
      #expect(try client.wait().signal == SIGKILL)
      #expect(eventually { makers(on: volume).isEmpty })
      let isGone = try eventually { try node.group.volume(volume) == nil }
      #expect(isGone, "the volume is still there")
      #expect(try MountTable.current().at(directory).isEmpty)
      let isClean = try eventually { try Leaks.found(on: node).isEmpty }
      #expect(isClean)
      try node.mount(volume).succeeds()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test("a caller that goes away at any moment never takes down a mount that was there before")
  func repeatedMountAbandoned() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 8)
      let directory = node.podDirectory("pod-a", volume)
      try node.mount(volume).succeeds()
      try marker.write(in: directory)
      let request = try RawCall.frame(["mount", directory, Options().json(volume, pod: "pod-a")])
      for attempt in 0..<200 {
        let caller = try RawCall(node.socket)
        try caller.send(request)
        usleep(UInt32(attempt * 40))
        caller.close()
      }
      // What is still under way has ended when a call of the same volume has had its turn.
      try node.mount(volume, pod: "pod-b").succeeds()
      #expect(marker.isIn(directory), "a running pod has lost its volume")
      try node.unmount(volume, pod: "pod-b").succeeds()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test("SIGTERM in mid-call: the call ends first, the daemon then ends well")
  func drained() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      try Files.makeDirectories(directory, mode: 0o750)
      let options = Options(mebibytes: 2048, extra: ["mkfsOptions": "-E lazy_itable_init=0"])
      let client = try node.begin(["mount", directory, options.json(volume, pod: "pod-a")])
      #expect(eventually { !makers(on: volume).isEmpty })
      try node.stop()
      FlexReply("mount", try client.wait(), at: #_sourceLocation).succeeds()
      try node.start()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  /// Programs at work on the device of a volume.
  private func makers(on volume: String) -> [Int32] {
    let name = volume.split(separator: "-").joined(separator: "--")
    return ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
      guard let command = try? Files.readText("/proc/\(pid)/cmdline") else { return false }
      return command.hasPrefix("/") && command.contains("mkfs") && command.contains(name)
    }
  }
}
