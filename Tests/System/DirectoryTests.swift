import LinuxSystem
import Testing

/// Volumes that are directories of a file system of the node's.
@Suite("The directory engine's mounts", .serialized, .lab, .exclusive)
struct DirectoryTests {
  private func options(of path: String) throws -> Set<String> {
    Set(try #require(try MountTable.current().at(path).last).options)
  }

  @Test("allow no device nodes and no set-uid programs, and have the class's mount options")
  func flags() async throws {
    try await withNode(StorageKind.directories) { node in
      let (plain, strict) = (Scratch.volumeName(), Scratch.volumeName())
      try await node.startPod(plain).succeeds()
      #expect(try options(of: node.podDirectory("pod-a", plain)).isSuperset(of: ["rw", "nosuid", "nodev"]))
      try await node.startPod(strict, Options(extra: ["mountOptions": "defaults,noexec,noatime"])).succeeds()
      #expect(
        try options(of: node.podDirectory("pod-a", strict)).isSuperset(of: [
          "rw", "nosuid", "nodev", "noexec", "noatime",
        ]))
      try await node.startPod(plain, pod: "pod-b", Options(isReadOnly: true)).succeeds()
      #expect(try options(of: node.podDirectory("pod-b", plain)).isSuperset(of: ["ro", "nosuid", "nodev"]))

      // As a daemon of an earlier release has mounted it.
      let path = node.podDirectory("pod-a", plain)
      try run("mount", "-o", "remount,bind,rw,suid,dev", path)
      #expect(try options(of: path).isDisjoint(with: ["nosuid", "nodev"]))
      try await node.calls.mount(plain).succeeds()
      #expect(try options(of: path).isSuperset(of: ["nosuid", "nodev"]))
      #expect(try MountTable.current().at(path).count == 1)

      for pod in ["pod-a", "pod-b"] { try await node.deletePod(plain, pod: pod).succeeds() }
      try await node.deletePod(strict).succeeds()
      node.remove(plain).succeeds()
      node.remove(strict).succeeds()
    }
  }

  @Test(
    "a mount option that a bind mount cannot have is refused before anything is made", arguments: ["discard", "sync"])
  func refused(option: String) async throws {
    try await withNode(StorageKind.directories) { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume, Options(extra: ["mountOptions": "noatime,\(option)"]))
        .fails(saying: "mountOptions", "\"\(option)\"", "noatime")
      #expect(node.remove(volume).message.contains("nothing to do"))
    }
  }
}
