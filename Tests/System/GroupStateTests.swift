import LinuxSystem
import NodeProtocol
import Testing

@Suite("What LVM would not do in a group", .serialized, .lab, .exclusive)
struct GroupStateTests {
  /// A node whose group is on two disks of its own.
  private func withTwoDisks(
    metadataSize: String = "1m", _ body: (Node, VolumeGroup, [LoopDisk]) async throws -> Void
  ) async throws {
    let disks = [try LoopDisk(mebibytes: 192), try LoopDisk(mebibytes: 192)]
    let group = try VolumeGroup(disks: disks.map(\.device), metadataSize: metadataSize)
    try await withNode(.thick(group)) { node in try await body(node, group, disks) }
    for disk in disks { try disk.destroy() }
  }

  private func report(_ node: Node) throws -> DaemonStatus.Group {
    try #require(node.ask("status").succeeds().report?.groups.first)
  }

  private func expectTrouble(
    _ node: Node, saying words: String..., at location: SourceLocation = #_sourceLocation
  ) async throws {
    _ = try await eventually { try report(node).trouble != nil }
    let found = try report(node)
    #expect(found.freeBytes == 0, "free is what LVM would not give", sourceLocation: location)
    for word in words {
      #expect(
        found.trouble?.contains(word) == true, "'\(word)' is not in: \(found.trouble ?? "")", sourceLocation: location)
    }
    let refused = try await node.startPod(Scratch.volumeName(), Options(mebibytes: 32))
    refused.fails(saying: words.first ?? "", at: location)
    #expect(!refused.message.contains("LVM failed with code"), sourceLocation: location)
  }

  private func expectUsable(_ node: Node, at location: SourceLocation = #_sourceLocation) async throws {
    let isUsable = try await eventually { try report(node).trouble == nil }
    let found = try report(node)
    #expect(isUsable, "\(found.trouble ?? "")", sourceLocation: location)
    #expect(found.freeBytes > 0, sourceLocation: location)
  }

  @Test("nothing is free where the group allows no more volumes, or its disks may not be allocated from")
  func limits() async throws {
    try await withTwoDisks { node, group, disks in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try run("vgchange", "-q", "-q", "-l", "1", group.name)
      try await expectTrouble(node, saying: "holds 1 volumes and allows 1", "vgchange -l 0")
      // What is there is not concerned.
      try await node.growVolume(volume, from: Options(mebibytes: 32), toMebibytes: 40).succeeds()
      try run("vgchange", "-q", "-q", "-l", "0", group.name)
      try await expectUsable(node)

      let all = try report(node).freeBytes
      try run("pvchange", "-q", "-q", "-xn", disks[0].device)
      let isLess = try await eventually { try report(node).freeBytes < all }
      #expect(isLess)
      #expect(try report(node).trouble == nil)
      try await node.startPod(Scratch.volumeName(), Options(mebibytes: 256)).fails(saying: "missing")
      try run("pvchange", "-q", "-q", "-xn", disks[1].device)
      try await expectTrouble(node, saying: "may not be allocated from", "pvchange -x y")
      // What it gives back is on a disk that stays closed.
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
      #expect(try report(node).freeBytes == 0)
      for disk in disks { try run("pvchange", "-q", "-q", "-xy", disk.device) }
      try await expectUsable(node)
    }
  }

  @Test("nothing is free while a disk of the group is away; volumes on the others are mounted and removed")
  func incomplete() async throws {
    try await withTwoDisks { node, group, disks in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      try disks[1].takeOut()
      try await expectTrouble(node, saying: "lacks 1 of its 2 disks", "vgextend --restoremissing")
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.growVolume(volume, from: Options(mebibytes: 32), toMebibytes: 40).fails(
        saying: volume, "lacks 1 of its")
      try await node.deletePod(volume).succeeds()
      try await node.restart()
      try await expectTrouble(node, saying: "lacks 1 of its 2 disks")
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      try disks[1].putBack()
      try await expectUsable(node)
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("nothing is free while a copy of one of its disks is attached")
  func copied() async throws {
    try await withTwoDisks { node, group, disks in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      try group.deactivate()
      let copy = try LoopDisk(copyOf: disks[0])
      try await node.startPod(volume, Options(mebibytes: 32)).fails(saying: volume, "twice", disks[0].device)
      try await expectTrouble(node, saying: "there twice", "copy")
      try copy.destroy()
      try await expectUsable(node)
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("after the growth and the removal of a volume that an administrator has mirrored, room is what LVM says")
  func mirrored() async throws {
    try await withTwoDisks { node, group, _ in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try run("lvconvert", "-q", "-q", "-y", "--type", "raid1", "-m1", "\(group.name)/\(volume)")
      try await node.growVolume(volume, from: Options(mebibytes: 32), toMebibytes: 48).succeeds()
      #expect(try report(node).freeBytes == group.freeBytes())
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
      #expect(try report(node).freeBytes == group.freeBytes())
    }
  }

  @Test("an origin's growth is refused in words, and done when its snapshot is gone")
  func origin() async throws {
    try await withTwoDisks { node, group, _ in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try run("lvcreate", "-q", "-q", "-y", "-s", "-n", "lab-snap", "-L", "16m", "\(group.name)/\(volume)")
      try await node.growVolume(volume, from: Options(mebibytes: 32), toMebibytes: 40)
        .fails(saying: volume, "has snapshots", "lvs -S origin=\(volume)")
      try group.remove("lab-snap")
      try await node.growVolume(volume, from: Options(mebibytes: 32), toMebibytes: 40).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("a lock that somebody holds is waited for, and after that named; other groups go on")
  func locked() async throws {
    try await withTwoDisks { node, group, _ in
      let volume = Scratch.volumeName()
      let lock = try ExclusiveLock.acquire("/run/lock/lvm/V_\(group.name)")
      let refused = try await node.startPod(volume, Options(mebibytes: 32))
      refused.fails(saying: "the lock /run/lock/lvm/V_\(group.name)", "fuser -v")
      #expect(node.ask("status").succeeds().report?.runningSeconds == nil)
      try await node.schedulePod(volume, Options(mebibytes: 32))
      let isWaiting = await eventually { node.ask("status").succeeds().report?.runningSeconds != nil }
      #expect(isWaiting)
      _ = consume lock
      try await node.waitUntilReady(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  /// Where the lab's lvm.conf is. An engine that another test has run in this process has changed the environment since.
  private static var hostDirectory: String {
    get throws {
      let words = try Files.readText("/proc/self/environ").split(separator: "\0")
      let name = "LVM_SYSTEM_DIR="
      return words.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) } ?? "/etc/lvm"
    }
  }

  @Test(
    "a setting of lvm.conf or a mark of LVM's that keeps volumes inactive or read-only is named, and nothing is left behind"
  )
  func settings() async throws {
    try await withTwoDisks { node, group, _ in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      let host = Scratch.fresh("lvm")
      try Files.makeDirectories(host, mode: 0o755)
      let original = try Files.readText("\(try Self.hostDirectory)/lvm.conf")
      node.environment = ["LVM_SYSTEM_DIR": host]
      for setting in ["volume_list", "read_only_volume_list"] {
        try node.stop()
        try group.deactivate()
        let names = setting == "volume_list" ? "lab-other" : group.name
        let text = original + "\nactivation/\(setting)=[\"\(names)\"]\n"
        try Files.writeDurably(Array(text.utf8), to: host + "/lvm.conf")
        try await node.start()
        try await node.startPod(volume, Options(mebibytes: 32)).fails(saying: volume, "activation/\(setting)")
        let fresh = Scratch.volumeName()
        try await node.startPod(fresh, Options(mebibytes: 32)).fails(saying: fresh, "activation/\(setting)")
        #expect(try group.volumes().map(\.name) == [volume])
        #expect(try Files.list(node.state + "/permits").isEmpty)
      }
      node.environment = [:]
      try node.stop()
      try group.deactivate()
      try run("lvchange", "-q", "-q", "-pr", "\(group.name)/\(volume)")
      try await node.start()
      try await node.startPod(volume, Options(mebibytes: 32)).fails(saying: volume, "read-only", "lvchange -prw")
      try run("lvchange", "-q", "-q", "-prw", "\(group.name)/\(volume)")
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
      try Files.removeTree(host)
    }
  }
}
