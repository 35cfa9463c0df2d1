import LinuxSystem
import NodeProtocol
import Testing

@Suite("A thin pool", .serialized, .lab, .exclusive)
struct ThinPoolTests {
  @Test("whose metadata could not be written for a moment is checked with the node's next start, and written again")
  func metadataError() async throws {
    try await withNode(.thin) { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      let pool = try node.group.name.replacing("-", with: "--") + "-pool-tpool"
      try await node.startPod(volume).succeeds()
      try Marker(seed: 51).write(in: directory)
      try run("sync", "--file-system", directory)

      let metadata = try Metadata(of: node.group)
      try metadata.failBehindSuperblock()
      _ = try attempt("dd", ["if=/dev/zero", "of=\(directory)/new", "bs=1M", "count=16", "conv=fsync"])
      let isMarked = try await eventually(seconds: 30) { try run("dmsetup", "status", pool).contains("needs_check") }
      try #require(isMarked, "nothing has failed")
      // The kernel is asked at most every ten seconds.
      let isTold = try await eventually(seconds: 30) {
        try complaint(on: node) == "metadata_read_only, check needed"
      }
      #expect(isTold, "status does not tell of it")
      try metadata.recover()

      // Down, as in a reboot.
      try await node.deletePod(volume).succeeds()
      try node.kill9()
      try run("vgchange", "-q", "-q", "-an", node.group.name)
      try await node.start()

      try await node.startPod(volume).succeeds()
      #expect(Marker(seed: 51).isIn(directory))
      let status = try run("dmsetup", "status", pool)
      #expect(status.contains(" rw ") && !status.contains("needs_check"), "\(status)")
      #expect(try complaint(on: node) == nil)
      try run("dd", "if=/dev/zero", "of=\(directory)/new", "bs=1M", "count=16", "conv=fsync")
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  /// What `status` says of the pool.
  private func complaint(on node: Node) throws -> String? {
    let report = try #require(node.ask("status").succeeds().report)
    return report.groups.first { group in group.thinPool != nil }?.thinComplaint
  }

  @Test("of which LVM left parts active when it was killed can be used after the daemon's next start")
  func partsLeftActive() async throws {
    try await withNode(.thin) { node in
      let (volume, other) = (Scratch.volumeName(), Scratch.volumeName())
      try await node.startPod(volume).succeeds()
      try Marker(seed: 52).write(in: node.podDirectory("pod-a", volume))
      try await node.deletePod(volume).succeeds()
      for parts in [["tmeta"], ["tmeta", "tdata"]] {
        let left = try parts.map { try Part($0, of: node.group) }
        try node.kill9()
        try node.group.deactivate()
        for part in left { try part.activate() }
        let refused = try attempt("lvchange", ["-ay", "\(node.group.name)/\(volume)"])
        #expect(refused.errors.contains("prohibited while"), "\(refused.errors)")
        try await node.start()
        try await node.startPod(volume).succeeds()
        #expect(Marker(seed: 52).isIn(node.podDirectory("pod-a", volume)))
        try await node.startPod(other, pod: "pod-b").succeeds()
        for (name, pod) in [(volume, "pod-a"), (other, "pod-b")] {
          try await node.deletePod(name, pod: pod).succeeds()
        }
        node.remove(other).succeeds()
      }
      node.remove(volume).succeeds()
    }
  }

  /// A hidden volume of the pool, as the device mapper has it while the pool is active.
  private struct Part {
    let name, uuid, table: String

    init(_ part: String, of group: VolumeGroup) throws {
      name = group.name.replacing("-", with: "--") + "-pool_\(part)"
      uuid = try run("dmsetup", "info", "-c", "--noheadings", "-o", "uuid", name)
        .filter { !$0.isWhitespace }
      table = try run("dmsetup", "table", name)
    }

    func activate() throws {
      let file = Scratch.fresh("table")
      try Files.writeDurably(Array(table.utf8), to: file, mode: 0o600)
      try run("dmsetup", "create", name, "--uuid", uuid, file)
    }
  }

  /// The device of a pool's metadata.
  private struct Metadata {
    let name: String
    let table: String

    init(of group: VolumeGroup) throws {
      name = group.name.replacing("-", with: "--") + "-pool_tmeta"
      table = try run("dmsetup", "table", name)
    }

    /// All can be read, and the superblock, 4 KiB, written: the mark goes there.
    func failBehindSuperblock() throws {
      let words = table.split(whereSeparator: \.isWhitespace).map(String.init)
      guard words.count == 5, words[2] == "linear", let sectors = Int(words[1]), let start = Int(words[4])
      else { throw Trouble(table) }
      try run("modprobe", "dm-flakey")
      // Up for 0 s, down for a day.
      let flaky = "8 \(sectors - 8) flakey \(words[3]) \(start + 8) 0 86400 1 error_writes"
      try load("0 8 linear \(words[3]) \(start)\n\(flaky)")
    }

    func recover() throws { try load(table) }

    private func load(_ table: String) throws {
      let file = Scratch.fresh("table")
      try Files.writeDurably(Array(table.utf8), to: file, mode: 0o600)
      try run("dmsetup", "load", name, file)
      try run("dmsetup", "suspend", "--noflush", "--nolockfs", name)
      try run("dmsetup", "resume", name)
    }
  }
}
