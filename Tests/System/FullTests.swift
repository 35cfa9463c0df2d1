import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Full disks", .serialized, .lab, .exclusive)
struct FullTests {
  @Test(
    "a full group: of 8 mounts at once as many succeed as fit, the others say what is missing and leave nothing",
    arguments: [StorageKind.thick, .thin])
  func full(storage: StorageKind) async throws {
    let disk = [Lab.disks[1]]
    let group = try VolumeGroup(disks: disk, thinPool: storage == .thin ? "400m" : nil)
    if storage == .thick { try group.create("foreign", mebibytes: Int(try group.freeBytes() >> 20) - 400) }
    try await withNode(storage == .thin ? .thin(group) : .thick(group)) { node in
      let volumes = (0..<8).map { _ in Scratch.volumeName() }
      let options = Options(mebibytes: 120)
      let since = try node.kubelet.events.count
      for volume in volumes { try await node.schedulePod(volume, options) }
      var answers: [(volume: String, answer: Answer)] = []
      for volume in volumes {
        answers.append((volume, try await node.kubelet.start(of: node.podUID("pod-a", volume), since: since)))
      }
      let made = answers.filter(\.answer.isSuccess).map(\.volume)
      let refused = answers.filter { !$0.answer.isSuccess }
      #expect(made.count == 3)
      for refusal in refused {
        refusal.answer.fails(saying: "free", "120 MiB requested", "missing")
        try await node.deletePod(refusal.volume).succeeds()
      }
      #expect(try node.group.volumes().filter(\.isOurs).map(\.name).sorted() == made.sorted())
      #expect(try Files.list(node.state + "/permits").isEmpty)

      try await node.growVolume(made[0], from: options, toMebibytes: 200).fails(saying: made[0], "missing")
      try await roomComesBack(node, from: made[0], to: try #require(refused.first).volume, options)
      for volume in made.dropFirst() + [refused[0].volume] {
        try await node.deletePod(volume).succeeds()
        node.remove(volume).succeeds()
      }
    }
  }

  /// A pod that found no room starts by itself once there is some.
  private func roomComesBack(_ node: Node, from old: String, to new: String, _ options: Options) async throws {
    let since = try node.kubelet.events.count
    try await node.schedulePod(new, options)
    try await node.kubelet.start(of: node.podUID("pod-a", new), since: since).fails(saying: "missing")
    try await node.deletePod(old).succeeds()
    node.remove(old).succeeds()
    try await node.waitUntilReady(new).succeeds()
  }

  @Test("a full metadata area: a clear refusal that leaves nothing, and existing volumes work on")
  func metadataFull() async throws {
    let group = try VolumeGroup(metadataSize: "512k")
    let used = Scratch.volumeName()
    try await withNode(.thick(group)) { node in
      try await node.startPod(used).succeeds()
      try group.create("filler", mebibytes: 4)
      try fillMetadata(of: group, with: "filler")
      let volume = Scratch.volumeName()
      try await node.startPod(volume).fails(saying: volume, "metadata")
      #expect(try node.group.volume(volume) == nil)
      #expect(try Files.list(node.state + "/permits").isEmpty)
      #expect(writeError(in: node.podDirectory("pod-a", used)) == nil)
      try await node.startPod(used, pod: "pod-b").succeeds()
      try await node.deletePod(used, pod: "pod-b").succeeds()
      try group.remove("filler")
      try await node.startPod(volume).succeeds()
      for name in [volume, used] {
        try await node.deletePod(name).succeeds()
        node.remove(name).succeeds()
      }
    }
  }

  /// Tags fill the metadata area without many volumes: large ones first, then small ones until none fits.
  private func fillMetadata(of group: VolumeGroup, with volume: String) throws {
    var next = 0
    for (length, count) in [(1000, 60), (1000, 10), (1000, 1), (100, 1)] {
      var attempts = 0
      while true {
        let tags = (next..<(next + count)).flatMap { ["--addtag", String(repeating: "x", count: length) + "\($0)"] }
        next += count
        attempts += 1
        try #require(attempts < 40, "the metadata area does not fill up")
        if try attempt("lvchange", ["-q", "-q"] + tags + ["\(group.name)/\(volume)"]).exitCode != 0 { break }
      }
    }
  }
}
