import Glibc
import LinuxSystem
import Testing

@Suite("What is not ours survives everything", .serialized, .lab, .exclusive)
struct ForeignTests {
  @Test("volumes, snapshots and a pool of others stay byte for byte through the whole life of ours")
  func everything() async throws {
    try await withNode(.thin) { node in
      let group = try node.group
      let ours = Scratch.volumeName()
      let marker = Marker(seed: 11)
      try await node.startPod(ours).succeeds()
      try marker.write(in: node.podDirectory("pod-a", ours))
      let names = try plantForeign(beside: ours, in: group)
      let before = try foreign(names, in: group)

      for name in names { try await attackByName(node, name) }
      try await attackByName(node, VolumeGroup.thinPool)
      try await node.growVolume(ours, toMebibytes: 128).succeeds()
      try await node.restart()
      try await node.deletePod(ours).succeeds()
      try await node.startPod(ours).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", ours)))
      for _ in 0..<3 {
        let volume = Scratch.volumeName()
        try await node.startPod(volume).succeeds()
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
      try await node.restart()
      try await node.deletePod(ours).succeeds()
      #expect(try foreign(names, in: group) == before)
      node.remove(ours).succeeds()
      #expect(try foreign(names, in: group) == before, "removing ours took something of others along")
    }
  }

  /// A plain volume, a thick snapshot of it, a thin volume, a thin snapshot of ours, and one with other tags.
  private func plantForeign(beside ours: String, in group: VolumeGroup) throws -> [String] {
    for (index, name) in ["plain", "tagged"].enumerated() {
      let device = try group.create(name, mebibytes: 16, tags: index == 0 ? [] : ["elastic-local-not", "k8s"])
      try overwrite(device, with: Marker(seed: UInt64(index)).bytes, at: 1 << 20)
    }
    try run("lvcreate", "-q", "-q", "-s", "-n", "snap-of-plain", "-L", "8m", "\(group.name)/plain")
    try run("lvcreate", "-q", "-q", "-V", "16m", "--thinpool", VolumeGroup.thinPool, "-n", "thin", group.name)
    try overwrite(group.device("thin"), with: Marker(seed: 3).bytes, at: 0)
    // A thin snapshot of ours is a volume of its own; lvcreate does not copy tags.
    try run("lvcreate", "-q", "-q", "-s", "-kn", "-n", "snap-of-ours", "\(group.name)/\(ours)")
    return ["plain", "tagged", "snap-of-plain", "thin", "snap-of-ours"]
  }

  /// What LVM and the devices say of the foreign volumes.
  private func foreign(_ names: [String], in group: VolumeGroup) throws -> [String] {
    let volumes = try group.volumes().filter { names.contains($0.name) || $0.name == VolumeGroup.thinPool }
    return try volumes.map { "\($0) \($0.uuid)" } + Digest.of(names.map { group.device($0) })
  }

  private func attackByName(_ node: Node, _ name: String) async throws {
    node.remove(name).fails(saying: name)
    try await node.calls.expand(name, toMebibytes: 64).fails(saying: name)
    node.ask("retain", name).fails(saying: name)
    // Blank, or another's: never mounted. One that holds a copy of our file system would be adopted, so it is left out.
    if name != "snap-of-ours" { try await node.startPod(name).fails(saying: name) }
  }

  @Test("a volume with a snapshot is not removed, since the snapshot would go with it")
  func originOfSnapshot() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      try run("lvcreate", "-q", "-q", "-s", "-n", "backup", "-L", "8m", "\(node.group.name)/\(volume)")
      let before = try Digest.of(node.group.device("backup"))
      node.remove(volume).fails(saying: volume, "snapshot")
      #expect(try Digest.of(node.group.device("backup")) == before)
      // It is still usable.
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      try node.group.remove("backup")
      node.remove(volume).succeeds()
    }
  }

  @Test("a volume whose tag an administrator took away is no longer ours, at once")
  func tagTaken() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 12)
      try await node.startPod(volume).succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))
      try node.group.tag(volume, removing: ["elastic-local"])
      try await node.growVolume(volume, toMebibytes: 128).fails(saying: volume, "tag")
      try await node.deletePod(volume).succeeds()
      node.remove(volume).fails(saying: volume, "tag")
      #expect(try node.group.volume(volume)?.size == 64 << 20)
      try node.group.tag(volume, adding: ["elastic-local"])
      try await node.startPod(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("what an administrator does while the daemon runs is seen: make, grow, tag as retained, remove, make again")
  func administrator() async throws {
    try await withNode { node in
      let group = try node.group
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()

      try run("lvextend", "-q", "-q", "-L", "96m", "\(group.name)/\(volume)")
      try await node.startPod(volume).succeeds()
      try await node.growVolume(volume, toMebibytes: 80).succeeds()  // larger already: only the file system grows
      #expect(try group.volume(volume)?.size == 96 << 20)
      #expect(try capacity(of: node.podDirectory("pod-a", volume)) > 72 << 20)
      try await node.deletePod(volume).succeeds()

      try group.tag(volume, adding: ["elastic-local/retained"])
      node.remove(volume).fails(saying: "retained")
      try group.tag(volume, removing: ["elastic-local/retained"])

      // The same name, another volume: blank, not ours, and with data of somebody.
      try group.remove(volume)
      try group.create(volume, mebibytes: 16)
      let before = try Digest.of(group.device(volume))
      node.remove(volume).fails(saying: volume, "tag")
      try await node.startPod(volume).fails(saying: volume)
      #expect(try Digest.of(group.device(volume)) == before)
      try group.remove(volume)
      node.remove(volume).succeeds()  // nothing there
      try await node.startPod(volume).succeeds()  // and a new one can be made
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("free space that an administrator takes and gives back is known at once")
  func freeSpace() async throws {
    try await withNode(.thick(try VolumeGroup(disks: [Lab.disks[1]]))) { node in
      let group = try node.group
      let free = Int(try group.freeBytes() >> 20)
      let volume = Scratch.volumeName()
      try group.create("foreign", mebibytes: free - 32)
      try await node.startPod(volume).fails(saying: volume, "free", "missing")
      #expect(try group.volumes().count == 1)
      try group.remove("foreign")
      try await node.startPod(volume).succeeds()
      try group.create("foreign", mebibytes: free - 64)
      try await node.growVolume(volume, toMebibytes: 128).fails(saying: volume, "free", "missing")
      try group.remove("foreign")
      try await node.growVolume(volume, toMebibytes: 128).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
