import Glibc
import LinuxSystem
import Testing

@Suite("The life of a volume", .serialized, .lab, .exclusive)
struct LifeTests {
  /// One way to make volumes.
  struct Row: CustomTestStringConvertible, Sendable {
    let storage: StorageKind
    let fileSystem: String
    let remark: String

    var testDescription: String { "\(storage.rawValue), \(fileSystem): \(remark)" }
  }

  static let rows = [
    Row(storage: .thick, fileSystem: "ext4", remark: "what most have"),
    Row(storage: .thick, fileSystem: "xfs", remark: "grows through its mount point"),
    Row(storage: .thick, fileSystem: "btrfs", remark: "its files have another device number than its device"),
    Row(storage: .thin, fileSystem: "ext4", remark: "nothing to wipe, and two steps of the sequence number"),
    Row(storage: .files, fileSystem: "ext4", remark: "a loop device, given back with the last user"),
    Row(storage: .files, fileSystem: "xfs", remark: "a loop device that has to be told its size"),
  ]

  @Test("mount, write, remount, two pods, read-only, grow in use, survive a crash, remove", arguments: rows)
  func life(row: Row) throws {
    try withNode(row.storage) { node in
      let volume = Scratch.volumeName()
      let options = Options.smallest(row.fileSystem)
      let marker = Marker(seed: 1)
      let (podA, podB) = (node.podDirectory("pod-a", volume), node.podDirectory("pod-b", volume))

      try node.mount(volume, options).succeeds()
      try marker.write(in: podA)
      try node.unmount(volume).succeeds()
      #expect(!Files.exists(podA))

      try node.mount(volume, options).succeeds()
      #expect(marker.isIn(podA), "the data is gone after a remount")
      try node.mount(volume, options).succeeds()  // again: kubelet may
      #expect(try MountTable.current().at(podA).count == 1, "a second mount was stacked")

      var readOnly = options
      readOnly.isReadOnly = true
      try node.mount(volume, pod: "pod-b", readOnly).succeeds()
      #expect(marker.isIn(podB))
      #expect(writeError(in: podB) == .readOnly)
      #expect(writeError(in: podA) == nil, "the read-only pod made the other one read-only")

      try growInUse(node, volume, podA, options)
      try crashInUse(node, volume, options, marker)

      try node.unmount(volume).succeeds()
      #expect(marker.isIn(podB), "unmounting one pod took the volume from the other")
      try node.remove(volume).fails(saying: volume, "in use", podB)
      try node.unmount(volume, pod: "pod-b").succeeds()
      try node.unmount(volume, pod: "pod-b").succeeds()  // again: kubelet does
      try node.remove(volume).succeeds()
      try node.remove(volume).succeeds()  // again: nothing to do
    }
  }

  private func growInUse(_ node: Node, _ volume: String, _ directory: String, _ options: Options) throws {
    let before = try capacity(of: directory)
    let size = 2 * (options.mebibytes ?? 64)
    try node.expand(volume, toMebibytes: size).succeeds()
    let after = try capacity(of: directory)
    #expect(after > before + UInt64(size << 20) / 4, "from \(before) to \(after)")
    try node.expand(volume, toMebibytes: size).succeeds()
    try node.expand(volume, toMebibytes: size / 2).succeeds()  // never shrinks
    #expect(try capacity(of: directory) == after)
  }

  private func crashInUse(_ node: Node, _ volume: String, _ options: Options, _ marker: Marker) throws {
    let directory = node.podDirectory("pod-a", volume)
    try node.restart()
    #expect(marker.isIn(directory))
    #expect(writeError(in: directory) == nil)
    try node.mount(volume, options).succeeds()
    #expect(try MountTable.current().at(directory).count == 1, "a second mount was stacked after the restart")
  }

  @Test("a directory volume lives as long as the node, and is bound for each pod")
  func directory() throws {
    try withNode(.directories) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 2)
      try node.mount(volume).succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))
      try node.mount(volume, pod: "pod-b", Options(isReadOnly: true)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-b", volume)))
      #expect(writeError(in: node.podDirectory("pod-b", volume)) == .readOnly)
      try node.expand(volume, toMebibytes: 128).succeeds()
      try node.restart()
      try node.mount(volume).succeeds()
      try node.remove(volume).fails(saying: "in use")
      try node.unmount(volume).succeeds()
      try node.unmount(volume, pod: "pod-b").succeeds()
      try node.waitForAttach(volume).fails(saying: "directory")
      try node.mount(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test(
    "the attach path: device, global mount, binds of two pods, growth, and back",
    arguments: [
      StorageKind.thick, .thin, .files,
    ])
  func attachPath(storage: StorageKind) throws {
    try withNode(storage) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 3)
      let global = node.globalDirectory(volume)
      let device = try #require(try node.waitForAttach(volume).succeeds().device)
      #expect(try DeviceContents.probe(device) == .blank, "waitforattach is not to format")
      #expect(try node.waitForAttach(volume).succeeds().device == device)
      try node.mountDevice(volume, device: device).succeeds()
      try node.mountDevice(volume, device: device).succeeds()
      try node.mount(volume).succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))
      try node.mount(volume, pod: "pod-b", Options(isReadOnly: true)).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-b", volume)))
      #expect(writeError(in: node.podDirectory("pod-b", volume)) == .readOnly)

      let mine = try mountPoints(of: device)
      #expect(
        mine == [global, node.podDirectory("pod-a", volume), node.podDirectory("pod-b", volume)],
        "a mount that kubelet does not know keeps it from unmounting the device: \(mine)")

      let before = try capacity(of: global)
      try node.expand(volume, device: device, path: global, toMebibytes: 128).succeeds()
      #expect(try capacity(of: global) > before + (32 << 20))
      try node.restart()
      #expect(try node.waitForAttach(volume).succeeds().device == device)
      try node.unmountDevice(volume).succeeds()  // kubelet would wait for the pods; theirs stay
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))

      try node.unmount(volume).succeeds()
      try node.unmount(volume, pod: "pod-b").succeeds()
      try node.unmountDevice(volume).succeeds()
      #expect(try mountPoints(of: device) == [])

      // The next pod: the data is there.
      let again = try #require(try node.waitForAttach(volume).succeeds().device)
      try node.mountDevice(volume, device: again).succeeds()
      try node.mount(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try node.unmount(volume).succeeds()
      try node.unmountDevice(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  private func mountPoints(of device: String) throws -> [String] {
    try MountTable.current().mounts(ofBlockDevice: try BlockDevice.number(of: device)).map(\.mountPoint).sorted()
  }

  @Test(
    "after a reboot the daemon activates its volumes and no other, and the data is there",
    arguments: [
      StorageKind.thick, .thin,
    ])
  func reboot(storage: StorageKind) throws {
    try withNode(storage) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 4)
      let group = try node.group
      let foreign = try group.create("foreign", mebibytes: 16)
      try node.mount(volume).succeeds()
      try marker.write(in: node.podDirectory("pod-a", volume))

      try node.kill9()
      try unmountEverything(below: node.root)
      try group.deactivate()
      #expect(!Files.exists(group.device(volume)))
      try node.start()
      #expect(Files.exists(group.device(volume)), "a volume of ours was not activated")
      #expect(!Files.exists(foreign), "a foreign volume was activated")

      // What kubelet does for pods that are gone, and for those that stay.
      try node.unmount(volume, pod: "pod-gone").succeeds()
      try node.unmount(volume).succeeds()
      try node.mount(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try node.unmount(volume).succeeds()

      // Deactivated behind the daemon's back.
      try group.deactivate()
      try node.mount(volume).succeeds()
      #expect(marker.isIn(node.podDirectory("pod-a", volume)))
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test("a staging that a crash left without a user is swept at the next start")
  func sweep() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      try node.mount(volume).succeeds()
      try node.kill9()
      try Mounting.unmount(node.podDirectory("pod-a", volume))
      #expect(try !MountTable.current().at(node.state + "/staging/" + volume).isEmpty)
      try node.start()
      #expect(try MountTable.current().at(node.state + "/staging/" + volume).isEmpty)
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test("our own tool: status, retain, refused and allowed removal, grace time")
  func ownTool() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      try node.mount(volume).succeeds()
      try node.unmount(volume).succeeds()
      let status = try tool(node, "status")
      #expect(status.exitCode == 0)
      #expect(status.output.contains(volume))
      #expect(status.output.contains(try node.group.name))
      #expect(try tool(node, "retain", volume).exitCode == 0)
      let refused = try tool(node, "remove", volume)
      #expect(refused.exitCode == 1)
      #expect(refused.errors.contains("retained"))
      #expect(try tool(node, "unretain", volume).exitCode == 0)
      let other = "00000000-0000-0000-0000-000000000001"
      #expect(try tool(node, "remove", volume, "--claim", other).errors.contains("belongs to claim"))

      node.flags = ["--reclaim-grace", "3600"]
      try node.restart()
      try node.remove(volume).fails(saying: volume, "--reclaim-grace")
      node.flags = []
      try node.restart()
      #expect(try tool(node, "remove", volume).exitCode == 0)
    }
  }

  private func tool(_ node: Node, _ words: String...) throws -> Program.Ended {
    try Program(Products.daemon, words + ["--socket", node.socket]).wait()
  }

  @Test("a second daemon on the same node is refused, and the first goes on")
  func second() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let other = try Node(node.storage, root: node.root)
      #expect(throws: Trouble.self) { try other.start() }
      #expect(other.log.contains("there can be only one"))
      try node.mount(volume).succeeds()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }
}

/// What a reboot does to mounts.
func unmountEverything(below root: String) throws {
  for mount in try MountTable.current().below(root).reversed() { try Mounting.unmount(mount.mountPoint) }
}
