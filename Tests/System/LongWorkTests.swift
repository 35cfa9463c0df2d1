import Glibc
import LinuxSystem
import NodeProtocol
import Testing
import VolumeHost

@Suite("mkfs and e2fsck that take minutes", .serialized, .lab, .tools("debugfs"), .exclusive)
struct LongWorkTests {
  @Test("both go on when their call is over, are told of meanwhile, run once, and the pods start when they have ended")
  func minutes() async throws {
    try await withNode { node in
      let (fresh, damaged) = (Scratch.volumeName(), Scratch.volumeName())
      let marker = Marker(seed: 12)
      try await node.startPod(damaged).succeeds()
      try marker.write(in: node.podDirectory("pod-a", damaged))
      try await node.deletePod(damaged).succeeds()
      // Clean, with errors.
      try run("debugfs", "-w", "-R", "ssv state 3", try node.group.device(damaged))
      let tools = try SlowTools(["mkfs.ext4", "e2fsck"], seconds: 115)
      defer { tools.remove() }
      try await node.restart()

      // The client's own patience is 110 s.
      try node.kubelet.runner.setTimeout(seconds: 130)
      try await node.schedulePod(fresh)
      try await node.schedulePod(damaged)
      for (volume, words) in [(fresh, "is being formatted since"), (damaged, "checked and repaired since")] {
        let isTold = try await eventually(seconds: 120) {
          try node.kubelet.events.contains { "\($0)".contains(volume) && "\($0)".contains(words) }
        }
        #expect(isTold, "the call for \(volume) has not been told")
      }
      let report = try #require(node.ask("status").succeeds().report)
      #expect(Set((report.work ?? []).map(\.phase)) == ["formatting", "checking"])
      for volume in [fresh, damaged] { try await node.waitUntilReady(volume, seconds: 180).succeeds() }
      #expect(try tools.runs().filter { $0.contains(fresh.escapedForMapper) }.count == 1)
      #expect(try tools.runs().filter { $0.contains(damaged.escapedForMapper) }.count == 1)
      #expect(marker.isIn(node.podDirectory("pod-a", damaged)))
      for volume in [fresh, damaged] {
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
    }
  }

  @Test("a volume that is removed amid mkfs goes with it; a daemon that is stopped or killed amid it leaves no half")
  func ended() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let tools = try SlowTools(["mkfs.ext4"], seconds: 600)
      try await node.restart()
      func begin() async throws {
        let caller = try RawCall(node.socket)
        let call = try node.calls.mountCall(volume)
        try Files.makeDirectories(call.arguments[0], mode: 0o750)
        let before = try tools.runs().count
        try caller.send(try RawCall.frame(call.line))
        let isMaking = try await eventually { try tools.runs().count > before }
        #expect(isMaking)
        caller.close()
      }
      defer { tools.remove() }
      try await begin()
      #expect(try node.group.volume(volume) != nil)
      node.remove(volume).succeeds()
      #expect(try node.group.volume(volume) == nil)
      try await begin()
      try node.stop()
      #expect(try node.group.volume(volume) == nil)
      try await node.start()
      try await begin()
      try node.kill9()
      #expect(try node.group.volume(volume) != nil)
      try await node.start()
      #expect(try node.group.volume(volume) == nil)
      rmdir(try node.calls.mountCall(volume).arguments[0])
      #expect(try Files.list(node.state + "/permits").isEmpty)
    }
  }
}

/// Programs that sleep before they do what they stand for, where the daemon finds them first, and note their runs.
private struct SlowTools {
  private let names: [String]
  private let record: String

  init(_ names: [String], seconds: Int) throws {
    self.names = names
    record = Scratch.fresh("runs")
    for name in names {
      let real = try #require(Tools.directories.dropFirst(2).map { "\($0)/\(name)" }.first { Files.exists($0) })
      let script = "#!/bin/sh\necho \"\(name) $*\" >>\(record)\nsleep \(seconds)\nexec \(real) \"$@\"\n"
      try Files.writeDurably(Array(script.utf8), to: "/usr/local/sbin/\(name)", mode: 0o755)
    }
  }

  func runs() throws -> [Substring] {
    Files.exists(record) ? try Files.readText(record).split(separator: "\n") : []
  }

  func remove() { for name in names { unlink("/usr/local/sbin/\(name)") } }
}

extension String {
  /// As the device mapper writes it.
  fileprivate var escapedForMapper: String {
    split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
  }
}
