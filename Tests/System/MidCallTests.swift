import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Killed in mid-call: daemon, client, kubelet, caller", .serialized, .lab, .exclusive)
struct MidCallTests {
  @Test(
    "killed in the middle of mkfs, mkfs dies too, and the next daemon ends with one file system",
    arguments: [0, 5, 20, 60, 150])
  func duringFormat(milliseconds: Int) async throws {
    try await withNode(start: false) { node in
      var scene = KillFlow.Scene(node: node)
      scene.options.mebibytes = 2048
      scene.options.extra["mkfsOptions"] = "-E lazy_itable_init=0"
      try await node.start(fault: "format-permitted:kill-after-\(milliseconds)")
      // It may be quicker than its killer.
      try await node.schedulePod(scene.volume, scene.options)
      try await node.expectDeath("format-permitted")
      let isDead = await eventually { makers(on: scene.volume).isEmpty }
      #expect(isDead, "mkfs outlives its daemon: it can hit the next one")
      try await node.start()
      try await node.waitUntilReady(scene.volume).succeeds()
      try await node.calls.mount(scene.volume, scene.options).succeeds()
      try await KillFlow.mountNew.finish(scene)
    }
  }

  @Test("a client killed amid mkfs leaves mkfs to its end, and the next call mounts what it made")
  func clientKilled() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      // Some hundred MiB of inode tables to write.
      let options = Options(mebibytes: 4096, extra: ["mkfsOptions": "-i 4096 -E lazy_itable_init=0"])
      let directory = node.podDirectory("pod-a", volume)
      let since = try node.kubelet.events.count
      try await node.schedulePod(volume, options)
      let isMaking = await eventually { !makers(on: volume).isEmpty }
      #expect(isMaking, "mkfs was not seen")
      let made = makers(on: volume)
      let clients = processes { $0.contains(Kubelet.driver.executable) && $0.contains(volume) }
      try #require(clients.count == 1)
      kill(clients[0], SIGKILL)
      try await node.kubelet.start(of: node.podUID("pod-a", volume), since: since).fails(saying: "SetUp failed")
      #expect(try node.kubelet.runner.records.last?.process.end == .signalled(SIGKILL))
      try await node.deletePod(volume).succeeds()
      #expect(makers(on: volume).allSatisfy(made.contains), "a second mkfs was begun")
      let hasEnded = await eventually(seconds: 60) { makers(on: volume).isEmpty }
      #expect(hasEnded)
      #expect(try MountTable.current().at(directory).isEmpty)
      let isUsedUp = try await eventually { try Files.list(node.state + "/permits").isEmpty }
      #expect(isUsedUp)
      let instance = try node.group.volume(volume)
      #expect(instance != nil)
      try await node.startPod(volume, options).succeeds()
      #expect(try node.group.volume(volume) == instance, "the volume was made anew")
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "a kubelet killed in mid-call leaves its client running; the next one calls at once, and both get what they want")
  func kubeletKilled() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let runner = try node.kubelet.runner
      try await node.schedulePod(
        volume, Options(mebibytes: 2048, extra: ["mkfsOptions": "-E lazy_itable_init=0"]))
      let isMaking = await eventually { !makers(on: volume).isEmpty }
      #expect(isMaking, "mkfs was not seen")
      try await node.kubelet.restart()
      let mounts = { runner.records.filter { $0.call.command == .mount } }
      let haveEnded = await eventually { mounts().count == 2 }
      #expect(haveEnded, "\(mounts().count) mounts were asked for")
      for mount in mounts() { Answer("mount", mount.outcome).succeeds() }
      #expect(try MountTable.current().at(node.podDirectory("pod-a", volume)).count == 1, "mounts are stacked")
      try await node.deletePod(volume).succeeds()
      try FileSystemProof.expectOne("ext4", on: try node.group.device(volume))
      node.remove(volume).succeeds()
    }
  }

  @Test("a caller that goes away at any moment never takes down a mount that was there before")
  func repeatedMountAbandoned() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 8)
      let directory = node.podDirectory("pod-a", volume)
      try await node.startPod(volume).succeeds()
      try marker.write(in: directory)
      let request = try RawCall.frame(try node.calls.mountCall(volume).line)
      for attempt in 0..<200 {
        let caller = try RawCall(node.socket)
        try caller.send(request)
        usleep(UInt32(attempt * 40))
        caller.close()
      }
      // What is still under way has ended when a call of the same volume has had its turn.
      try await node.startPod(volume, pod: "pod-b").succeeds()
      #expect(marker.isIn(directory), "a running pod has lost its volume")
      try await node.deletePod(volume, pod: "pod-b").succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("SIGTERM in mid-call: the call ends first, the daemon then ends well")
  func drained() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.schedulePod(
        volume, Options(mebibytes: 2048, extra: ["mkfsOptions": "-E lazy_itable_init=0"]))
      let isMaking = await eventually { !makers(on: volume).isEmpty }
      #expect(isMaking)
      try node.stop()
      try await node.waitUntilReady(volume).succeeds()
      #expect(try node.kubelet.events.isEmpty, "the call was not ended: it was made again")
      try await node.start()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  /// Programs at work on the device of a volume.
  private func makers(on volume: String) -> [Int32] {
    let name = volume.split(separator: "-").joined(separator: "--")
    return processes { $0.hasPrefix("/") && $0.contains("mkfs") && $0.contains(name) }
  }

  /// Processes by their command line, the words of which are separated by zero bytes.
  private func processes(_ isWanted: (String) -> Bool) -> [Int32] {
    ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
      (try? Files.readText("/proc/\(pid)/cmdline")).map(isWanted) ?? false
    }
  }
}
