import LinuxSystem
import Testing

/// A daemon whose mounts do not reach kubelet: Success would start the pod on the empty directory below, on the node's disk.
@Suite("A daemon in another mount namespace", .serialized, .lab, .exclusive)
struct NamespaceTests {
  @Test(
    "one that kubelet's mounts reach at most one way does not start, and says what to do",
    arguments: ["slave", "private"])
  func refused(propagation: String) async throws {
    try await withNode(StorageKind.directories, start: false) { node in
      node.starter = ["/usr/bin/unshare", "--mount", "--propagation", propagation]
      await #expect(throws: Trouble.self) { try await node.start() }
      #expect(node.log.contains("is not shared"), "\(node.log)")
      #expect(node.log.contains("mountPropagation: Bidirectional"))
    }
  }

  @Test("as a systemd unit has one of its own, mounts shared within it alone, neither")
  func refusedUnit() async throws {
    try await withNode(StorageKind.directories, start: false) { node in
      node.starter = Self.ownNamespace("slave")
      await #expect(throws: Trouble.self) { try await node.start() }
      #expect(node.log.contains("receives mounts of the host and gives none back"), "\(node.log)")
    }
  }

  @Test(
    "what cannot be told at start is told by each call: a Failure, and nothing stays mounted",
    arguments: [
      (StorageKind.thick, Kubelet.Kind.old), (.thick, .newAttaching), (.directories, .new),
    ])
  func unseen(storage: StorageKind, kubelet: Kubelet.Kind) async throws {
    try await withNode(storage, kubelet: kubelet, start: false) { node in
      // With a mount table that tells nothing of where it comes from.
      node.starter = Self.ownNamespace("private")
      try await node.start()
      let volume = Scratch.volumeName()
      try await node.startPod(volume).fails(saying: "does not appear in the kubelet's mount namespace")
      let daemon = try #require(node.daemon)
      let table = try MountTable(parsing: try Files.readAll("/proc/\(daemon.pid)/mountinfo"))
      #expect(table.below(node.root).map(\.mountPoint).filter { $0.contains(volume) } == [])
      #expect(try Files.list(node.kubeletRoot + "/pods").isEmpty)

      node.starter = []
      try await node.restart()
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  private static func ownNamespace(_ propagation: String) -> [String] {
    [
      "/usr/bin/unshare", "--mount", "--propagation", propagation, "/bin/sh", "-c",
      "mount --make-rshared / && exec \"$@\"", "daemon",
    ]
  }
}
