import Glibc
import LinuxSystem
import Testing

@Suite("Nothing is formatted that is not proven blank", .serialized, .lab, .tools("debugfs", "mkswap"), .exclusive)
struct NeverFormatTests {
  @Test("on a volume of ours without a permit: mounted as it is, or refused byte for byte")
  func withoutPermit() async throws {
    try await withNode { node in
      for contents in Contents.all {
        let volume = Scratch.volumeName()
        let device = try node.group.create(volume, mebibytes: contents.mebibytes, tags: tags(volume, "lostpermit"))
        try contents.put(device, contents.mebibytes << 20)
        switch contents.verdict {
        case .mounted(let type): try await expectMounted(node, volume, as: type, contents)
        case .refused(let word): try await expectRefused(node, volume, contents, saying: word)
        case .unknown: try await expectRefused(node, volume, contents, saying: "no file system and no format permit")
        }
        node.remove(volume).succeeds()
      }
    }
  }

  @Test("on a fresh volume with a live permit: only what shows no signature is formatted")
  func withPermit() async throws {
    try await withNode { node in
      for contents in Contents.all {
        let volume = Scratch.volumeName()
        let options = Options(mebibytes: contents.mebibytes)
        // Made and permitted, not yet formatted.
        let device = try #require(await node.calls.waitForAttach(volume, options).succeeds().device)
        try contents.put(device, contents.mebibytes << 20)
        switch contents.verdict {
        case .mounted(let type): try await expectMounted(node, volume, as: type, contents)
        case .refused(let word): try await expectRefused(node, volume, contents, saying: word)
        case .unknown:
          try await node.startPod(volume, options).succeeds()
          try await node.deletePod(volume).succeeds()
          try FileSystemProof.expectOne("ext4", on: device)
        }
        node.remove(volume).succeeds()
      }
    }
  }

  @Test("on a foreign volume of the PV's name: adopted with a file system, otherwise left byte for byte and untagged")
  func foreignOfThatName() async throws {
    try await withNode { node in
      for contents in Contents.all {
        let volume = Scratch.volumeName()
        let device = try node.group.create(volume, mebibytes: contents.mebibytes)
        try contents.put(device, contents.mebibytes << 20)
        if case .mounted(let type) = contents.verdict {
          try await expectMounted(node, volume, as: type, contents)
          #expect(try node.group.volume(volume)?.isOurs == true, "\(contents.name)")
          node.remove(volume).succeeds()
          continue
        }
        let word = if case .refused(let word) = contents.verdict { word } else { "without our tag" }
        try await expectRefused(node, volume, contents, saying: word)
        #expect(try node.group.volume(volume)?.tags == [], "\(contents.name)")
        node.remove(volume).fails(saying: "tag")
        try await node.calls.expand(volume, toMebibytes: 2 * contents.mebibytes).fails(saying: volume)
        try node.group.remove(volume)
      }
    }
  }

  @Test("foreign volumes of other names do not change while ours come and go around them")
  func foreignOfOtherNames() async throws {
    try await withNode { node in
      var devices: [String] = []
      for (index, contents) in Contents.all.enumerated() where contents.mebibytes < 100 {
        let device = try node.group.create("foreign\(index)", mebibytes: contents.mebibytes)
        try contents.put(device, contents.mebibytes << 20)
        devices.append(device)
      }
      let before = try Digest.of(devices)
      for fileSystem in ["ext4", "xfs"] {
        let volume = Scratch.volumeName()
        try await node.startPod(volume, .smallest(fileSystem)).succeeds()
        try await node.growVolume(volume, toMebibytes: 640).succeeds()
        try await node.restart()
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
      #expect(try Digest.of(devices) == before)
    }
  }

  @Test("a new volume on the extents of a removed one is formatted, whatever the former tenant left there")
  func formerTenants() async throws { try await withFormerTenants { _, _, _ in } }

  @Test("a volume that was not wiped yet when the daemon died is made anew, whatever the former tenant left there")
  func formerTenantsNotWiped() async throws { try await withFormerTenants(before: dieBeforeWiping) }

  @Test("a permit from before the volume was wiped, out of a backup, does not cost the data written since")
  func permitFromBeforeWiping() async throws {
    try await withNode { node in
      for fileSystem in ["ext4", "xfs", "btrfs"] {
        let scene = KillFlow.Scene(node: node, options: .smallest(fileSystem))
        let permit = node.permit(scene.volume)
        try await node.restart(fault: "volume-created:kill")
        try await node.calls.waitForAttach(scene.volume, scene.options).fails(saying: "elastic-local")
        try await node.expectDeath("volume-created")
        let backup = String(decoding: try Files.readAll(permit), as: UTF8.self)
        let creation = try creation(of: scene.volume, on: node)
        try await node.start()
        try await scene.makeWithData()
        try node.kill9()
        // As if this volume's own permit had been read at that moment.
        let tag = try #require(try node.group.volume(scene.volume)?.tags.first { $0.contains("/creation=") })
        let own = backup.replacing(creation, with: String(tag.split(separator: "=")[1]))
        try overwrite(permit, with: Array(own.utf8), at: 0)
        try await node.start()
        try await node.startPod(scene.volume, scene.options).succeeds()
        try await scene.expectDataUnmountRemove()
      }
    }
  }

  /// Found by a review: the volume was refused for good, its data whole.
  @Test(
    "a volume whose last blocks look like a member of a RAID is mounted as what it is",
    arguments: ["ext4", "xfs", "btrfs"])
  func dataThatImitates(fileSystem: String) async throws {
    try await withNode { node in
      let scene = KillFlow.Scene(node: node, options: .smallest(fileSystem))
      try await scene.makeWithData()
      let size = (scene.options.mebibytes ?? 0) << 20
      // Where a file of a full volume would lie; free here.
      try overwrite(scene.device, with: [0xfc, 0x4e, 0x2b, 0xa9, 0, 0, 0, 0, 90], at: UInt64(size - (64 << 10)))
      #expect(try DeviceContents.probe(scene.device) == .other(kind: "linux_raid_member"))
      try await node.restart()
      try await node.startPod(scene.volume, scene.options).succeeds()
      #expect(scene.marker.isIn(scene.directory))
      try await node.deletePod(scene.volume).succeeds()
      node.remove(scene.volume).succeeds()
    }
  }

  @Test("a disk image that is refused is let go: no loop device stays, and the next call finds it as it was")
  func refusedImage() async throws {
    try await withNode(.files) { node in
      let scene = KillFlow.Scene(node: node)
      try await scene.makeWithData()
      let image = "\(node.state)/images/\(scene.volume).img"
      let beginning = try BlockDevice.readBytes(image, offset: 0, count: 64 << 10)
      try overwrite(image, with: [UInt8](repeating: 0, count: beginning.count), at: 0)
      try await node.startPod(scene.volume).fails(saying: "no file system and no format permit")
      #expect(try LoopDevice.all().filter { $0.backingFile.hasPrefix(node.root + "/") }.isEmpty)
      try overwrite(image, with: beginning, at: 0)
      try await node.startPod(scene.volume).succeeds()
      #expect(scene.marker.isIn(scene.directory))
      try await node.deletePod(scene.volume).succeeds()
      node.remove(scene.volume).succeeds()
    }
  }

  @Test("when the state directory is lost, a blank volume of ours is refused, and one with data is mounted")
  func stateLost() async throws {
    try await withNode { node in
      let (blank, used) = (Scratch.volumeName(), Scratch.volumeName())
      let marker = Marker(seed: 5)
      try await node.calls.waitForAttach(blank).succeeds()
      try await node.startPod(used).succeeds()
      try marker.write(in: node.podDirectory("pod-a", used))
      try await node.deletePod(used).succeeds()
      try node.kill9()
      try Files.removeTree(node.state)
      try Files.makeDirectories(node.state, mode: 0o755)
      try await node.start()
      let before = try Digest.of(try node.group.device(blank))
      try await node.startPod(blank).fails(saying: blank, "no format permit", "elastic-local-node remove")
      #expect(try Digest.of(try node.group.device(blank)) == before)
      try await node.startPod(used).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", used)))
      try await node.deletePod(used).succeeds()
      node.remove(used).succeeds()
      node.remove(blank).succeeds()
    }
  }

  @Test("a permit that is no permit, or another volume's, formats nothing and keeps no other volume from working")
  func strangePermits() async throws {
    try await withNode { node in
      let (broken, other, good) = (Scratch.volumeName(), Scratch.volumeName(), Scratch.volumeName())
      for volume in [broken, other] {
        try node.group.create(volume, mebibytes: 16, tags: tags(volume, "tokenonvolume"))
      }
      let devices = [try node.group.device(broken), try node.group.device(other)]
      let before = try Digest.of(devices)
      let permits = node.state + "/permits/"
      let foreign = #"{"volume":"\#(other)","creation":"anothertoken","progress":"cleared"}"#
      try overwrite(permits + broken + ".json", with: Array("no permit".utf8), at: 0)
      try overwrite(permits + other + ".json", with: Array(foreign.utf8), at: 0)
      try await node.startPod(broken).fails(saying: "permit")
      try await node.startPod(other).fails(saying: "no format permit")
      #expect(try Digest.of(devices) == before)

      try await node.restart()
      try await node.startPod(good).succeeds()
      try await node.deletePod(good).succeeds()
      node.remove(good).succeeds()
      #expect(try node.group.volume(broken) != nil)
      #expect(try node.group.volume(other) != nil)
      unlink(permits + broken + ".json")
      node.remove(broken).succeeds()
      node.remove(other).succeeds()
    }
  }

  @Test("a permit that comes back from a backup of the state directory does not cost the data written since")
  func permitFromThePast() async throws {
    try await withNode { node in
      let scene = KillFlow.Scene(node: node)
      let permit = node.permit(scene.volume)
      try await node.calls.waitForAttach(scene.volume).succeeds()
      let backup = try Files.readAll(permit)
      try await scene.makeWithData()
      try node.kill9()
      try overwrite(permit, with: backup, at: 0)
      try await node.start()
      try await node.startPod(scene.volume).succeeds()
      try await scene.expectDataUnmountRemove()
    }
  }

  // MARK: -

  /// Everything that a removed volume can have left, and a new one made on the same extents: it must be new, and usable.
  private func withFormerTenants(
    before prepare: (_ volume: String, Options, Node) async throws -> Void
  ) async throws {
    // One disk with room for one volume: the extents are the same every time.
    let group = try VolumeGroup(disks: [Lab.disks[0]])
    try await withNode(.thick(group)) { node in
      for contents in Contents.all {
        let size = max(16, contents.mebibytes)
        let former = try group.create("former", mebibytes: size)
        try contents.put(former, size << 20)
        try group.remove("former")
        let volume = Scratch.volumeName()
        let options = Options(mebibytes: size)
        try await prepare(volume, options, node)
        try await node.startPod(volume, options).succeeds()
        #expect(try Files.list(node.podDirectory("pod-a", volume)) == ["lost+found"], "\(contents.name)")
        #expect(writeError(in: node.podDirectory("pod-a", volume)) == nil, "\(contents.name)")
        try await node.deletePod(volume).succeeds()
        try FileSystemProof.expectOne("ext4", on: group.device(volume))
        node.remove(volume).succeeds()
      }
    }
  }

  /// The daemon dies when it has planned the volume, and the volume is as lvcreate leaves it when it dies before it wipes.
  private func dieBeforeWiping(_ volume: String, _ options: Options, _ node: Node) async throws {
    try await node.restart(fault: "permit-written:kill")
    try await node.calls.waitForAttach(volume, options).fails(saying: "elastic-local")
    try await node.expectDeath("permit-written")
    let tags = tags(volume, try creation(of: volume, on: node))
    try node.group.create(volume, mebibytes: options.mebibytes ?? 0, tags: tags, wiping: false)
    try await node.start()
  }

  private func creation(of volume: String, on node: Node) throws -> String {
    let text = String(decoding: try Files.readAll(node.permit(volume)), as: UTF8.self)
    let words = text.split(separator: "\"")
    let key = try #require(words.firstIndex(of: "creation"))
    return String(words[key + 2])
  }

  private func tags(_ volume: String, _ creation: String) -> [String] {
    ["elastic-local", "elastic-local/volume=\(volume)", "elastic-local/creation=\(creation)"]
  }

  private func expectRefused(
    _ node: Node, _ volume: String, _ contents: Contents, saying word: String,
    at location: SourceLocation = #_sourceLocation
  ) async throws {
    let device = try node.group.device(volume)
    let before = try Digest.of(device)
    try await node.startPod(volume, Options(mebibytes: contents.mebibytes)).fails(
      saying: volume, word, at: location)
    let after = try Digest.of(device)
    #expect(after == before, "\(contents.name) was written to", sourceLocation: location)
  }

  /// Mounts it as what it is, although ext4 is asked for.
  private func expectMounted(
    _ node: Node, _ volume: String, as type: String, _ contents: Contents,
    at location: SourceLocation = #_sourceLocation
  ) async throws {
    let device = try node.group.device(volume)
    guard case .fileSystem(_, let before, _) = try DeviceContents.probe(device) else {
      Issue.record("\(contents.name) is not what it should be", sourceLocation: location)
      return
    }
    try await node.startPod(volume, Options(mebibytes: contents.mebibytes)).succeeds(at: location)
    #expect(
      try MountTable.current().at(node.podDirectory("pod-a", volume)).first?.fileSystemType == type, "\(contents.name)",
      sourceLocation: location)
    try await node.deletePod(volume).succeeds(at: location)
    guard case .fileSystem(type, before, _) = try DeviceContents.probe(device) else {
      Issue.record("\(contents.name) is another file system now", sourceLocation: location)
      return
    }
    try FileSystemProof.expectOne(type, on: device, at: location)
  }
}
