import Glibc
import LinuxSystem
import Testing

@Suite("Many calls at once, and full disks", .serialized, .lab, .exclusive)
struct ConcurrencyTests {
  @Test("50 calls at once on 10 volumes: every one is answered, and what they leave fits together")
  func fifty() throws {
    try withNode { node in
      let volumes = (0..<10).map { _ in Scratch.volumeName() }
      for round in 0..<2 {
        let calls = try volumes.flatMap { volume in
          try [
            begin(node, "mount", volume, "pod-a"), begin(node, "mount", volume, "pod-b", readOnly: true),
            begin(node, "expandfs", volume, "pod-a"), begin(node, round == 0 ? "mount" : "unmount", volume, "pod-b"),
            begin(node, "unmount", volume, "pod-c"),
          ]
        }
        for (call, program) in calls {
          let reply = FlexReply(call, try program.wait(seconds: 60), at: #_sourceLocation)
          // A growth that overtakes its mount finds nothing to grow, and says so.
          if call.hasPrefix("expandfs") { continue }
          reply.succeeds()
        }
      }
      for volume in volumes {
        let directory = node.podDirectory("pod-a", volume)
        #expect(try MountTable.current().at(directory).count == 1, "\(volume)")
        #expect(writeError(in: directory) == nil, "\(volume)")
        #expect(try MountTable.current().at(node.podDirectory("pod-b", volume)).count <= 1, "\(volume)")
      }
      #expect(try node.group.volumes().filter(\.isOurs).map(\.name).sorted() == volumes.sorted())
      for volume in volumes {
        for pod in ["pod-a", "pod-b", "pod-c"] { try node.unmount(volume, pod: pod).succeeds() }
        try node.remove(volume).succeeds()
      }
    }
  }

  private func begin(
    _ node: Node, _ verb: String, _ volume: String, _ pod: String, readOnly: Bool = false
  ) throws -> (String, Program) {
    let directory = node.podDirectory(pod, volume)
    try Files.makeDirectories(directory, mode: 0o750)
    let options = try Options(mebibytes: 16, isReadOnly: readOnly).json(volume, pod: pod)
    let arguments: [String] =
      switch verb {
      case "mount": ["mount", directory, options]
      case "unmount": ["unmount", directory]
      default: ["expandfs", options, "", directory, "\(24 << 20)", "\(16 << 20)"]
      }
    return ("\(verb) \(pod) \(volume)", try node.begin(arguments))
  }

  @Test("two pods start on one new volume at the same time: one file system, both have it")
  func twoPods() throws {
    try withNode { node in
      for _ in 0..<5 {
        let volume = Scratch.volumeName()
        let calls = try ["pod-a", "pod-b"].map { try begin(node, "mount", volume, $0) }
        for (call, program) in calls { FlexReply(call, try program.wait(), at: #_sourceLocation).succeeds() }
        let marker = Marker(seed: 21)
        try marker.write(in: node.podDirectory("pod-a", volume))
        #expect(marker.isIn(node.podDirectory("pod-b", volume)))
        for pod in ["pod-a", "pod-b"] { try node.unmount(volume, pod: pod).succeeds() }
        try node.remove(volume).succeeds()
      }
      #expect(node.log.split(separator: "\n").filter { $0.contains(" volume formatted ") }.count == 5)
    }
  }

  @Test(
    "a full group: of 8 mounts at once as many succeed as fit, the others say what is missing and leave nothing",
    arguments: [StorageKind.thick, .thin])
  func full(storage: StorageKind) throws {
    let disk = [Lab.disks[1]]
    let group = try VolumeGroup(disks: disk, thinPool: storage == .thin ? "400m" : nil)
    if storage == .thick { try group.create("foreign", mebibytes: Int(try group.freeBytes() >> 20) - 400) }
    try withNode(storage == .thin ? .thin(group) : .thick(group)) { node in
      let volumes = (0..<8).map { _ in Scratch.volumeName() }
      let calls = try volumes.map { volume in
        let directory = node.podDirectory("pod-a", volume)
        try Files.makeDirectories(directory, mode: 0o750)
        return try node.begin(["mount", directory, Options(mebibytes: 120).json(volume, pod: "pod-a")])
      }
      let replies = try zip(volumes, calls).map { FlexReply($0, try $1.wait(), at: #_sourceLocation) }
      #expect(replies.filter(\.isSuccess).count == 3)
      for reply in replies where !reply.isSuccess { reply.fails(saying: "free", "120 MiB requested", "missing") }
      let made = replies.filter(\.isSuccess).map(\.call)
      #expect(try node.group.volumes().filter(\.isOurs).map(\.name).sorted() == made.sorted())
      #expect(try Files.list(node.state + "/permits").isEmpty)

      try node.expand(made[0], toMebibytes: 200).fails(saying: made[0], "missing")
      try node.unmount(made[0]).succeeds()
      try node.remove(made[0]).succeeds()
      // There is room again.
      let next = try #require(replies.first { !$0.isSuccess }).call
      try node.mount(next, Options(mebibytes: 120)).succeeds()
      for volume in made.dropFirst() + [next] {
        try node.unmount(volume).succeeds()
        try node.remove(volume).succeeds()
      }
    }
  }

  @Test("a full metadata area: a clear refusal that leaves nothing, and existing volumes work on")
  func metadataFull() throws {
    let group = try VolumeGroup(metadataSize: "512k")
    let used = Scratch.volumeName()
    try withNode(.thick(group)) { node in
      try node.mount(used).succeeds()
      try group.create("filler", mebibytes: 4)
      try fillMetadata(of: group, with: "filler")
      let volume = Scratch.volumeName()
      try node.mount(volume).fails(saying: volume, "metadata")
      #expect(try node.group.volume(volume) == nil)
      #expect(try Files.list(node.state + "/permits").isEmpty)
      #expect(writeError(in: node.podDirectory("pod-a", used)) == nil)
      try node.mount(used, pod: "pod-b").succeeds()
      try node.unmount(used, pod: "pod-b").succeeds()
      try group.remove("filler")
      try node.mount(volume).succeeds()
      for name in [volume, used] {
        try node.unmount(name).succeeds()
        try node.remove(name).succeeds()
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
