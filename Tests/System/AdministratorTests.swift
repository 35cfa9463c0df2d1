import LinuxSystem
import Testing

@Suite("What an administrator does by hand costs nobody's data", .serialized, .lab, .exclusive)
struct AdministratorTests {
  @Test("a renamed volume is shown to no other PV, and no empty one takes its place")
  func renamed() async throws {
    try await withNode { node in
      let group = try node.group
      let (volume, other) = (Scratch.volumeName(), Scratch.volumeName())
      let marker = Marker(seed: 21)
      try await node.startPod(volume).succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))
      try await node.deletePod(volume).succeeds()
      try run("lvrename", group.name, volume, other)
      try await node.startPod(other).fails(saying: other, "renamed")
      try await node.startPod(volume).fails(saying: volume, "renamed to \(other)")
      try run("lvrename", group.name, other, volume)
      try await node.startPod(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("a volume of the host's that is in use is not adopted, whoever asks for it by name")
  func hostVolume() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let device = try node.group.create(volume, mebibytes: 64)
      try run("mkfs.ext4", "-q", device)
      let directory = "/mnt/host-\(volume)"
      try Files.makeDirectories(directory, mode: 0o755)
      try run("mount", device, directory)
      try await node.startPod(volume).fails(saying: volume, "without our tag and is mounted at")
      #expect(try node.group.volume(volume)?.isOurs == false)
      try run("umount", directory)
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("what hides the staging directory is never bound into a pod")
  func hiddenStaging() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try run("mount", "-t", "tmpfs", "cover", "\(node.state)/staging/\(volume)")
      try await node.startPod(volume, pod: "pod-b").fails(saying: volume)
      #expect(try MountTable.current().at(node.podDirectory("pod-b", volume)).isEmpty)
      try run("umount", "\(node.state)/staging/\(volume)")
      try await node.startPod(volume, pod: "pod-b").succeeds()
      try await node.deletePod(volume, pod: "pod-b").succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
