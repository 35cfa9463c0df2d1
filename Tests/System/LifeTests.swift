import Glibc
import LinuxSystem
import Testing

@Suite("The life of a volume", .serialized, .lab, .exclusive)
struct LifeTests {
  /// One way to make volumes, and a kubelet that asks for them.
  struct Row: CustomTestStringConvertible, Sendable {
    let storage: StorageKind
    let fileSystem: String
    let kubelet: Kubelet.Kind
    let remark: String

    var testDescription: String { "\(storage.rawValue), \(fileSystem), \(kubelet): \(remark)" }
  }

  static let rows = [
    Row(storage: .thick, fileSystem: "ext4", kubelet: .old, remark: "what most have"),
    Row(storage: .thick, fileSystem: "ext4", kubelet: .new, remark: "what most will have"),
    Row(storage: .thick, fileSystem: "xfs", kubelet: .new, remark: "grows through its mount point"),
    Row(
      storage: .thick, fileSystem: "btrfs", kubelet: .old,
      remark: "its files have another device number than its device"),
    Row(
      storage: .thin, fileSystem: "ext4", kubelet: .new, remark: "nothing to wipe, and two steps of the sequence number"
    ),
    Row(storage: .files, fileSystem: "ext4", kubelet: .old, remark: "a loop device, given back with the last user"),
    Row(storage: .files, fileSystem: "xfs", kubelet: .new, remark: "a loop device that has to be told its size"),
  ]

  @Test("mount, write, remount, two pods, read-only, grow in use, survive crashes, remove", arguments: rows)
  func life(row: Row) async throws {
    try await withNode(row.storage, kubelet: row.kubelet) { node in
      let volume = Scratch.volumeName()
      let options = Options.smallest(row.fileSystem)
      let marker = Marker(seed: 1)
      let (podA, podB) = (node.podDirectory("pod-a", volume), node.podDirectory("pod-b", volume))

      try await node.startPod(volume, options).succeeds()
      try marker.write(in: podA)
      try await node.deletePod(volume).succeeds()
      #expect(!Files.exists(podA))

      try await node.startPod(volume, options).succeeds()
      #expect(marker.isIn(podA), "the data is gone after a remount")
      try await node.calls.mount(volume, options).succeeds()  // again: who lost the reply does
      try await node.kubelet.restart()
      #expect(try MountTable.current().at(podA).count == 1, "a second mount was stacked")

      var readOnly = options
      readOnly.isReadOnly = true
      try await node.startPod(volume, pod: "pod-b", readOnly).succeeds()
      #expect(marker.isIn(podB))
      #expect(writeError(in: podB) == .readOnly)
      #expect(writeError(in: podA) == nil, "the read-only pod made the other one read-only")

      try await growInUse(node, volume, podA, options)
      try await crashInUse(node, volume, options, marker)

      // Deleted while the kubelet is down: it finds the directory.
      try await node.kubelet.restart(without: node.podUID("pod-a", volume))
      try await node.kubelet.finish(node.podUID("pod-a", volume)).succeeds()
      #expect(!Files.exists(podA))
      #expect(marker.isIn(podB), "unmounting one pod took the volume from the other")
      node.remove(volume).fails(saying: volume, "in use", podB)
      try await node.deletePod(volume, pod: "pod-b").succeeds()
      try await node.calls.unmount(volume, pod: "pod-b").succeeds()  // again: who lost the reply does
      node.remove(volume).succeeds()
      node.remove(volume).succeeds()  // again: nothing to do
    }
  }

  private func growInUse(_ node: Node, _ volume: String, _ directory: String, _ options: Options) async throws {
    let before = try capacity(of: directory)
    let size = 2 * (options.mebibytes ?? 64)
    try await node.growVolume(volume, from: options, toMebibytes: size).succeeds()
    let after = try capacity(of: directory)
    #expect(after > before + UInt64(size << 20) / 4, "from \(before) to \(after)")
    try await node.calls.expand(volume, toMebibytes: size).succeeds()
    try await node.calls.expand(volume, toMebibytes: size / 2).succeeds()  // never shrinks
    #expect(try capacity(of: directory) == after)
  }

  /// Daemon and kubelet are killed and come back.
  private func crashInUse(_ node: Node, _ volume: String, _ options: Options, _ marker: Marker) async throws {
    let directory = node.podDirectory("pod-a", volume)
    try await node.restart()
    #expect(marker.isIn(directory))
    #expect(writeError(in: directory) == nil)
    try await node.kubelet.restart()
    try await node.calls.mount(volume, options).succeeds()
    #expect(try MountTable.current().at(directory).count == 1, "a second mount was stacked after the restart")
  }

  @Test(
    "a directory volume lives as long as the node, and is bound for each pod",
    arguments: [Kubelet.Kind.old, .new])
  func directoryVolume(kubelet: Kubelet.Kind) async throws {
    try await withNode(StorageKind.directories, kubelet: kubelet) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 2)
      let (podA, podB) = (node.podDirectory("pod-a", volume), node.podDirectory("pod-b", volume))
      try await node.startPod(volume).succeeds()
      try marker.write(in: podA)
      try await node.startPod(volume, pod: "pod-b", Options(isReadOnly: true)).succeeds()
      #expect(marker.isIn(podB))
      #expect(writeError(in: podB) == .readOnly)
      try await node.growVolume(volume, toMebibytes: 128).succeeds()
      try await node.restart()
      // An old kubelet does not see a bind within one file system, and asks for it once more.
      try await node.kubelet.restart()
      try await node.calls.mount(volume).succeeds()
      #expect(try MountTable.current().at(podA).count == 1, "a second mount was stacked")
      node.remove(volume).fails(saying: "in use")
      try await node.deletePod(volume).succeeds()
      try await node.deletePod(volume, pod: "pod-b").succeeds()
      try await node.calls.waitForAttach(volume).fails(saying: "directory")
      try await node.startPod(volume).succeeds()
      #expect(marker.isIn(podA))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "after a reboot the daemon activates its volumes and no other, and the data is there",
    arguments: [(StorageKind.thick, Kubelet.Kind.old), (.thick, .new), (.thin, .new)])
  func reboot(storage: StorageKind, kubelet: Kubelet.Kind) async throws {
    try await withNode(storage, kubelet: kubelet) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 4)
      let group = try node.group
      let foreign = try group.create("foreign", mebibytes: 16)
      try await node.startPod(volume).succeeds()
      try await node.startPod(volume, pod: "pod-gone").succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))

      try await node.kubelet.kill()
      try node.kill9()
      try unmountEverything(below: node.root)
      try group.deactivate()
      #expect(!Files.exists(group.device(volume)))
      try await node.start()
      #expect(Files.exists(group.device(volume)), "a volume of ours was not activated")
      #expect(!Files.exists(foreign), "a foreign volume was activated")

      // What kubelet does for pods that are gone, and for those that stay.
      try await node.kubelet.comeBack(without: [node.podUID("pod-gone", volume)])
      try await node.kubelet.finish(node.podUID("pod-gone", volume)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await node.deletePod(volume).succeeds()

      // Deactivated behind the daemon's back.
      try group.deactivate()
      try await node.startPod(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("a staging that a crash left without a user is swept at the next start")
  func sweep() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try node.kill9()
      try Mounting.unmount(node.podDirectory("pod-a", volume))
      #expect(try !MountTable.current().at(node.state + "/staging/" + volume).isEmpty)
      try await node.start()
      #expect(try MountTable.current().at(node.state + "/staging/" + volume).isEmpty)
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}

/// What a reboot does to mounts.
func unmountEverything(below root: String) throws {
  for mount in try MountTable.current().below(root).reversed() { try Mounting.unmount(mount.mountPoint) }
}
