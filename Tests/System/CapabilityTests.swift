import LinuxSystem
import NodeProtocol
import Testing

@Suite("What the daemon needs of root's power", .serialized, .lab, .exclusive)
struct CapabilityTests {
  @Test("it keeps the capabilities that it needs and no others, in each of its threads")
  func kept() async throws {
    try await withNode { node in
      try await node.startPod(Scratch.volumeName()).succeeds()
      let pid = try #require(node.daemon?.pid)
      let wanted = Capability.allCases.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue) }
      let threads = try Files.list("/proc/\(pid)/task")
      #expect(threads.count > 1)
      for thread in threads {
        let sets = try Self.sets("/proc/\(pid)/task/\(thread)/status")
        // What a child of root gets is the bounding set.
        #expect(sets == ["CapInh": 0, "CapPrm": wanted, "CapEff": wanted, "CapBnd": wanted, "CapAmb": 0])
      }
      try await Self.removeAll(from: node)
    }
  }

  /// The lines `Cap…` of a status file, proc(5).
  private static func sets(_ path: String) throws -> [String: UInt64] {
    let lines = try Files.readText(path).split(separator: "\n").filter { $0.hasPrefix("Cap") }
    let pairs = lines.map { $0.split(separator: ":") }
    return Dictionary(uniqueKeysWithValues: pairs.map { (String($0[0]), UInt64($0[1].dropFirst(), radix: 16) ?? .max) })
  }

  @Test("with those alone a volume is made, grows in use although its files are another's, and is removed")
  func enough() async throws {
    try await withNode { node in try await Self.live(node) }
    try await withNode(StorageKind.directories) { node in try await Self.live(node) }
  }

  @Test(
    "each is needed: without it alone a volume cannot live, and lives when it is back", arguments: Capability.allCases)
  func needed(capability: Capability) async throws {
    let storage: StorageKind = [.ptrace, .actAsOwner].contains(capability) ? .directories : .thick
    try await withNode(storage, start: false) { node in
      let name = capability.name.lowercased()
      node.starter = ["/usr/bin/setpriv", "--bounding-set=-\(name)", "--inh-caps=-\(name)", "--"]
      await #expect(throws: (any Error).self, "\(capability.name) is not needed") {
        try await node.start()
        try await Self.live(node)
      }
      try node.kill9()
      node.starter = []
      try await node.start()
      try await Self.removeAll(from: node)
      try await Self.live(node)
    }
  }

  /// What a volume has to go through; throws at the first that fails.
  private static func live(_ node: Node) async throws {
    let volume = Scratch.volumeName()
    let directory = node.podDirectory("pod-a", volume)
    try await require(node.startPod(volume))
    // As a database does with its directory, and one like /tmp in it.
    try run("mkdir", "-m", "1777", "\(directory)/tmp")
    try run("touch", "\(directory)/tmp/file")
    try run("chown", "-R", "1000:1000", directory)
    try run("chmod", "0700", directory)
    try await require(node.growVolume(volume, toMebibytes: 128))
    try await require(node.deletePod(volume))
    try require(node.remove(volume))
  }

  private static func require(_ answer: Answer) throws {
    if !answer.isSuccess { throw Trouble("\(answer)") }
  }

  private static func removeAll(from node: Node) async throws {
    let report = try #require(node.ask("status").succeeds().report)
    for volume in report.volumes.map(\.name) {
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
