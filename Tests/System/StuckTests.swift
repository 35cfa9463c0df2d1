import Glibc
import LinuxSystem
import NodeProtocol
import Testing
import VolumeHost

@Suite("While LVM is stuck on a device", .serialized, .lab, .exclusive)
struct StuckTests {
  @Test("other volumes mount and unmount, status, health and metrics answer; afterwards everything goes on")
  func suspended() async throws {
    try await withSlowDisk { group, disk in
      try await withNode(.thick(group), start: false) { node in
        node.flags = ["--metrics-address", "127.0.0.1:0"]
        try await node.start()
        let (first, second, late) = (Scratch.volumeName(), Scratch.volumeName(), Scratch.volumeName())
        for volume in [first, second] { try await node.startPod(volume).succeeds() }
        try await node.deletePod(second).succeeds()
        try Marker(seed: 31).write(in: node.podDirectory("pod-a", first))
        // What is needed of its file system is in memory: nothing below reads from the disk.
        try run("dmsetup", "suspend", "--noflush", "--nolockfs", disk)
        var isSuspended = true
        defer { if isSuspended { _ = try? run("dmsetup", "resume", disk) } }

        try await node.schedulePod(late)
        try await Task.sleep(for: .milliseconds(1500))
        try await expectHanging(node, late)

        try await within("a bind of a mounted volume", 5) { try await node.startPod(first, pod: "pod-b").succeeds() }
        try await within("its unmount", 5) { try await node.deletePod(first, pod: "pod-b").succeeds() }
        try await within("status", 5) {
          let report = try #require(node.ask("status").succeeds().report)
          #expect((report.runningSeconds ?? 0) > 0, "status does not say that a command hangs")
        }
        for (path, word) in [("/healthz", "ok"), ("/metrics", "elastic_local_engine_running_seconds")] {
          try await within(path, 5) {
            let answer = try node.page(path)
            #expect(answer.contains(word), "\(path): \(answer)")
          }
        }
        try await expectHanging(node, late)

        try run("dmsetup", "resume", disk)
        isSuspended = false
        try await node.waitUntilReady(late, seconds: 30).succeeds()
        #expect(try node.kubelet.events == [], "the call that hung did not succeed")
        try await node.startPod(second).succeeds()
        for volume in [first, second, late] {
          try await node.deletePod(volume).succeeds()
          node.remove(volume).succeeds()
        }
      }
    }
  }

  /// More than the threads for mounts in one group, 128.
  private static let many = 140

  @Test("140 mounts that hang on one disk keep no volume of another group from being mounted and unmounted")
  func manyHang() async throws {
    try await withSlowDisk { group, disk in
      let healthy = try VolumeGroup(disks: [Lab.disks[0]])
      defer { try? healthy.destroy() }
      try await withNode(.thick(group), start: false) { node in
        node.moreGroups = [healthy]
        node.flags = ["--metrics-address", "127.0.0.1:0"]
        try await node.start()
        let options = Options(mebibytes: 16)
        let hanging = (0..<Self.many).map { _ in Scratch.volumeName() }
        for volume in hanging { try await node.calls.waitForAttach(volume, options).succeeds() }
        let other = Scratch.volumeName()
        let elsewhere = Options(extra: ["volumeGroup": healthy.name])
        try await node.startPod(other, elsewhere).succeeds()
        try run("dmsetup", "suspend", "--noflush", "--nolockfs", disk)
        var isSuspended = true
        defer { if isSuspended { _ = try? run("dmsetup", "resume", disk) } }

        var callers: [RawCall] = []
        for volume in hanging {
          let call = try node.calls.mountCall(volume, options)
          try Files.makeDirectories(call.arguments[0], mode: 0o750)
          let caller = try RawCall(node.socket)
          try caller.send(try RawCall.frame(call.line))
          callers.append(caller)
        }
        let areHanging = try await eventually { try Self.mountsUnderWay(node.page("/metrics")) == Self.many }
        #expect(areHanging, "not all mounts hang")

        try await within("unmount of another disk's volume", 5) { try await node.deletePod(other).succeeds() }
        try await within("its mount", 5) { try await node.startPod(other, elsewhere).succeeds() }
        #expect(try node.page("/healthz").contains("\r\n\r\nok\n"))

        try run("dmsetup", "resume", disk)
        isSuspended = false
        for caller in callers { #expect(caller.receiveAll(seconds: 60).contains("Success")) }
        for volume in hanging {
          try await node.calls.unmount(volume).succeeds()
          node.remove(volume).succeeds()
        }
        try await node.deletePod(other).succeeds()
        node.remove(other).succeeds()
      }
    }
  }

  /// Blocking calls that mount, of all groups: those that have a thread and those that wait for one.
  private static func mountsUnderWay(_ metrics: String) -> Int {
    let names = ["elastic_local_threads_busy{", "elastic_local_threads_waiting{"]
    let samples = metrics.split(whereSeparator: \.isNewline).filter { line in
      line.contains("work=\"mount\"") && names.contains { line.hasPrefix($0) }
    }
    return samples.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
  }

  /// The pod's call has neither succeeded nor failed.
  private func expectHanging(_ node: Node, _ volume: String) async throws {
    let uid = node.podUID("pod-a", volume)
    #expect(try await !node.kubelet.isReady(uid))
    #expect(try !node.kubelet.events.contains { $0.pod == uid })
    #expect(try !node.kubelet.runner.records.contains { $0.call.line.contains { $0.hasSuffix(volume) } })
  }

  @Test("a caller that gives up on a stuck call has it undone when the device comes back")
  func abandoned() async throws {
    try await withSlowDisk { group, disk in
      try await withNode(.thick(group)) { node in
        let volume = Scratch.volumeName()
        try run("dmsetup", "suspend", "--noflush", "--nolockfs", disk)
        try node.kubelet.runner.setTimeout(seconds: 2)
        let answer = try await node.startPod(volume)
        try node.kubelet.runner.setTimeout(seconds: 60)
        try run("dmsetup", "resume", disk)
        answer.fails(saying: "2 s")
        let isGone = try await eventually { try group.volume(volume) == nil && Leaks.found(on: node).isEmpty }
        #expect(isGone, "what the abandoned call made is still there")
        try await node.startPod(volume).succeeds()
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
    }
  }

  /// A volume group on a device that can be suspended.
  private func withSlowDisk(_ body: (VolumeGroup, String) async throws -> Void) async throws {
    let disk = "lab-slow\(Scratch.number())"
    let below = Lab.disks[1]
    // Not from the start: LVM would see its label on both devices.
    let skipped = 16_384
    let table = "0 \(try sectorCount(of: below) - skipped) linear \(below) \(skipped)"
    try run("dmsetup", "create", disk, "--table", table)
    defer { _ = try? attempt("dmsetup", ["remove", "--retry", disk]) }
    try await body(try VolumeGroup(disks: ["/dev/mapper/\(disk)"]), disk)
  }

  private func sectorCount(of disk: String) throws -> Int {
    let name = lastComponent(of: disk)
    let text = try Files.readText("/sys/block/\(name)/size")
    return Int(text.filter(\.isNumber)) ?? 0
  }

  private func within(_ what: String, _ seconds: Double, _ body: () async throws -> Void) async throws {
    let start = MonotonicClock.now()
    try await body()
    let took = (MonotonicClock.now() - start).asSeconds
    #expect(took < seconds, "\(what) took \(took) s")
  }
}
