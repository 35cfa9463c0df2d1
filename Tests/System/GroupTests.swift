import LinuxSystem
import NodeProtocol
import Testing

@Suite("One group is no other's", .serialized, .lab, .exclusive)
struct GroupTests {
  /// A node that serves the lab's group first and one on a disk of its own second.
  private func withTwoGroups(
    _ disk: LoopDisk, named name: String? = nil, start: Bool = true, _ body: (Node, VolumeGroup) async throws -> Void
  ) async throws {
    let other = try VolumeGroup(named: name, disks: [disk.device], metadataSize: "1m")
    do {
      try await withNode(start: false) { node in
        node.flags = ["--volume-group", "\(try node.group.name),\(other.name)", "--metrics-address", "127.0.0.1:0"]
        if start { try await node.start() }
        try await body(node, other)
      }
    } catch {
      try? other.destroy()  // the disk may be out
      try disk.destroy()
      throw error
    }
    try? other.destroy()  // the disk may be out
    try disk.destroy()
  }

  private func inGroup(_ group: VolumeGroup) -> Options { Options(extra: ["volumeGroup": group.name]) }

  private func report(_ node: Node, of group: VolumeGroup) throws -> DaemonStatus.Group {
    let report = try #require(node.ask("status").succeeds().report)
    return try #require(report.groups.first { $0.name == group.name })
  }

  /// The group is to be in trouble, with these words, and to have nothing free.
  private func expectTrouble(
    _ node: Node, _ group: VolumeGroup, saying words: String..., at location: SourceLocation = #_sourceLocation
  ) async throws {
    let isInTrouble = try await eventually { try report(node, of: group).trouble != nil }
    #expect(isInTrouble, "status says nothing", sourceLocation: location)
    let found = try report(node, of: group)
    for word in words {
      #expect(
        found.trouble?.contains(word) == true, "'\(word)' is not in: \(found.trouble ?? "")", sourceLocation: location)
    }
    #expect(found.freeBytes == 0, sourceLocation: location)
  }

  private func expectUsable(
    _ node: Node, _ group: VolumeGroup, at location: SourceLocation = #_sourceLocation
  ) async throws {
    let isUsable = try await eventually { try report(node, of: group).trouble == nil }
    let found = try report(node, of: group)
    #expect(isUsable, "\(found.trouble ?? "")", sourceLocation: location)
    #expect(found.freeBytes > 0, sourceLocation: location)
  }

  private func lifeOfAVolume(_ node: Node, _ options: Options = Options()) async throws {
    let volume = Scratch.volumeName()
    try await node.startPod(volume, options).succeeds()
    try await node.deletePod(volume).succeeds()
    node.remove(volume).succeeds()
  }

  @Test("the disk of one group is away when the daemon starts: the others are served, and it is once it is back")
  func missing() async throws {
    let disk = try LoopDisk()
    try await withTwoGroups(disk) { node, other in
      let (here, there) = (Scratch.volumeName(), Scratch.volumeName())
      try await node.startPod(here).succeeds()
      try await node.startPod(there, inGroup(other)).succeeds()
      let marker = Marker(seed: 51)
      try marker.write(in: node.podDirectory("pod-a", there))
      try await node.deletePod(there).succeeds()
      try node.stop()
      try other.deactivate()
      try disk.takeOut()

      try await node.start()
      try await expectTrouble(
        node, other, saying: "was served on this node and is not there now", "/lvm/backup/\(other.name)")
      #expect(!node.log.contains("vgcreate"))
      #expect(node.log.contains("volume group not usable"))
      #expect(
        try node.page("/metrics").contains("elastic_local_group_unusable{group=\"\(other.name)\",reason=\"missing\"} 1")
      )
      #expect(try node.page("/healthz").contains("ok"))
      try await node.deletePod(here).succeeds()
      try await node.startPod(here).succeeds()
      try await lifeOfAVolume(node)
      try await node.startPod(there, inGroup(other)).fails(saying: there, "is not there now")
      // Without a word about the group it would be made in the first: it is known to be in the other.
      try await node.startPod(there).fails(saying: there, "is in volume group \"\(other.name)\"")
      node.remove(there).fails(saying: there)

      try disk.putBack()
      try await expectUsable(node, other)
      let isTold = await eventually { node.log.contains("volume group usable") }
      #expect(isTold)
      try await node.startPod(there, inGroup(other)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", there)))
      for volume in [here, there] {
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
    }
  }

  @Test(
    "a group that was never there is told to be made, keeps nothing from being served, and is served once it is made")
  func neverThere() async throws {
    try await withNode(start: false) { node in
      node.flags = ["--volume-group", "lab-none,\(try node.group.name)"]
      try await node.start()
      let report = try #require(node.ask("status").succeeds().report)
      #expect(report.groups.map(\.name) == ["lab-none", try node.group.name])
      #expect(report.groups[0].trouble?.contains("create it with vgcreate") == true)
      try await lifeOfAVolume(node, inGroup(try node.group))
      try await node.startPod(Scratch.volumeName()).fails(saying: "lab-none", "vgcreate")
      let disk = try LoopDisk()
      let made = try VolumeGroup(named: "lab-none", disks: [disk.device], metadataSize: "1m")
      try await expectUsable(node, made)
      try await lifeOfAVolume(node)
      try made.destroy()
      try disk.destroy()
    }
  }

  @Test("an exported group, and one of another host, take nothing else down")
  func exportedAndForeign() async throws {
    let disk = try LoopDisk()
    try await withTwoGroups(disk) { node, other in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, inGroup(other)).succeeds()
      try await node.deletePod(volume).succeeds()
      try other.deactivate()
      try run("vgexport", "-q", "-q", other.name)
      try await expectTrouble(node, other, saying: "exported", "vgimport")
      try await node.startPod(volume, inGroup(other)).fails(saying: volume, "exported")
      try await node.startPod(Scratch.volumeName(), inGroup(other)).fails(saying: "exported")
      try await lifeOfAVolume(node)
      try await node.restart()
      try await expectTrouble(node, other, saying: "exported")
      try await lifeOfAVolume(node)
      try run("vgimport", "-q", "-q", other.name)
      try await expectUsable(node, other)
      try await node.startPod(volume, inGroup(other)).succeeds()
      try await node.deletePod(volume).succeeds()

      try other.deactivate()
      try run("vgchange", "-q", "-q", "-y", "--systemid", "elsewhere", other.name)
      try await expectTrouble(node, other, saying: "system ID", "elsewhere")
      try await node.restart()
      try await expectTrouble(node, other, saying: "system ID", "elsewhere")
      try await lifeOfAVolume(node)
      let theirs = "global{system_id_source=lvmlocal} local{system_id=elsewhere}"
      try run("vgchange", "-q", "-q", "-y", "--config", theirs, "--systemid", "", other.name)
      try await expectUsable(node, other)
      node.remove(volume).succeeds()
    }
  }

  /// A disk with a group of that name, as a guest's may have, that is not plugged in yet.
  private func guestDisk(_ group: String) throws -> LoopDisk {
    let disk = try LoopDisk()
    try run("vgcreate", "-q", "-q", "-y", group, disk.device)
    try disk.takeOut()
    return disk
  }

  @Test("a guest's disk with a group of the same name changes nothing for the group that was served before")
  func namesakes() async throws {
    let name = "lab-vg\(Scratch.number())"
    let guest = try guestDisk(name)
    let disk = try LoopDisk(mebibytes: 256)
    try await withTwoGroups(disk, named: name) { node, other in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, inGroup(other)).succeeds()
      let marker = Marker(seed: 52)
      try marker.write(in: node.podDirectory("pod-a", volume))
      try guest.putBack()
      // In a daemon that runs, whatever it is asked.
      try await lifeOfAVolume(node, inGroup(other))
      try await node.growVolume(volume, from: inGroup(other), toMebibytes: 80).succeeds()
      try await node.deletePod(volume).succeeds()
      // And in one that starts.
      try node.stop()
      try run("vgchange", "-q", "-q", "-an", "--devices", disk.device, other.name)
      try await node.start()
      try await expectUsable(node, other)
      try await node.startPod(volume, inGroup(other)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await lifeOfAVolume(node, inGroup(other))
      try await node.deletePod(volume).succeeds()

      // The guest's alone: it is not taken for ours.
      try node.stop()
      try run("vgchange", "-q", "-q", "-an", "--devices", disk.device, other.name)
      try disk.takeOut()
      try await node.start()
      try await expectTrouble(node, other, saying: "is not the one that was served", "groups/\(other.name).json")
      try await node.startPod(volume, inGroup(other)).fails(saying: volume, "is not the one that was served")
      try await node.startPod(Scratch.volumeName(), inGroup(other)).fails(saying: "is not the one that was served")
      try await lifeOfAVolume(node)
      let listed = try run("lvs", "--noheadings", "--devices", guest.device, other.name)
      #expect(listed.isEmpty, "something was made in the guest's group")
      try disk.putBack()
      try await expectUsable(node, other)
      node.remove(volume).succeeds()
      try guest.destroy()
    }
  }

  @Test("two groups of one name, neither seen before, are refused alone; the operator's word about a new one is taken")
  func unknownNamesakes() async throws {
    let name = "lab-vg\(Scratch.number())"
    let guest = try guestDisk(name)
    let disk = try LoopDisk()
    try await withTwoGroups(disk, named: name, start: false) { node, other in
      try guest.putBack()
      try await node.start()
      try await expectTrouble(node, other, saying: "2 volume groups have the name", "vgrename")
      try await lifeOfAVolume(node)
      try guest.takeOut()
      try await expectUsable(node, other)
      try await lifeOfAVolume(node, inGroup(other))
      try disk.takeOut()
      try guest.putBack()
      try await expectTrouble(node, other, saying: "is not the one that was served")
      try Files.removeDurably("\(node.state)/lvm/groups/\(other.name).json")
      try await expectUsable(node, other)
      try await lifeOfAVolume(node, inGroup(other))
      try guest.destroy()
    }
  }

  @Test("a group whose disk has lost its label is restored as docs/operations.md says, under the running daemon")
  func restored() async throws {
    let disk = try LoopDisk()
    try await withTwoGroups(disk) { node, other in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, inGroup(other)).succeeds()
      let marker = Marker(seed: 53)
      try marker.write(in: node.podDirectory("pod-a", volume))
      try await node.deletePod(volume).succeeds()
      let uuid = try run("pvs", "--noheadings", "-o", "pv_uuid", disk.device).filter { !$0.isWhitespace }
      try other.deactivate()
      try overwrite(disk.device, with: [UInt8](repeating: 0, count: 64 << 10), at: 0)
      let backup = "\(node.state)/lvm/backup/\(other.name)"
      try await expectTrouble(node, other, saying: "was served on this node and is not there now", backup)
      #expect(try attempt("vgcfgrestore", ["-f", backup, other.name]).exitCode != 0, "the label is needed first")
      try run("pvcreate", "-q", "-q", "--uuid", uuid, "--restorefile", backup, disk.device)
      try run("vgcfgrestore", "-q", "-q", "-f", backup, other.name)
      try await expectUsable(node, other)
      try await node.startPod(volume, inGroup(other)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
