import LinuxSystem
import NodeProtocol
import Testing

@Suite("LVM's devices file", .serialized, .lab, .exclusive)
struct DevicesFileTests {
  /// An LVM configuration of the host's that uses a devices file, and dmeventd, as a directory for `LVM_SYSTEM_DIR`.
  private struct HostConfiguration {
    let directory = Scratch.fresh("lvm")

    init() throws {
      try Files.makeDirectories(directory + "/devices", mode: 0o755)
      let text = """
        devices { use_devicesfile=1 scan_lvs=0 obtain_device_list_from_udev=0 external_device_info_source="none" hints="none" }
        activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=1 }
        backup { backup=0 archive=0 }
        global { use_lvmpolld=0 event_activation=0 }
        """
      try Files.writeDurably(Array(text.utf8), to: directory + "/lvm.conf")
    }

    func add(_ disk: LoopDisk) throws { _ = try lvm("lvmdevices", "-y", "--adddev", disk.device) }

    var groups: [String] {
      get throws {
        try lvm("vgs", "--noheadings", "-o", "vg_name").split(whereSeparator: \.isWhitespace).map(String.init)
      }
    }

    /// Makes a thin volume as the host would, and removes it.
    func makeMonitored(_ group: VolumeGroup) throws {
      _ = try lvm("lvcreate", "-qq", "-y", "-V", "16m", "--thinpool", VolumeGroup.thinPool, "-n", "watched", group.name)
      _ = try lvm("lvremove", "-qq", "-y", group.name + "/watched")
    }

    private func lvm(_ words: String...) throws -> String {
      let path = try #require(Tools.find("lvm"))
      let ended = try Program(path, words, environment: ["LVM_SYSTEM_DIR": directory]).wait()
      guard ended.exitCode == 0 else { throw Trouble("lvm \(words): \(ended.errors)") }
      return ended.output
    }
  }

  @Test("a disk that it does not list is none of the daemon's either, until it lists it")
  func honoured() async throws {
    let (listed, unlisted) = (try LoopDisk(), try LoopDisk())
    let groups = try [listed, unlisted].map { try VolumeGroup(disks: [$0.device], metadataSize: "1m") }
    let host = try HostConfiguration()
    try host.add(listed)
    #expect(try host.groups == [groups[0].name])
    try await withNode(.thick(groups[0]), start: false) { node in
      node.environment = ["LVM_SYSTEM_DIR": host.directory]
      node.flags = ["--volume-group", groups.map(\.name).joined(separator: ",")]
      try await node.start()
      #expect(try usable(node) == [groups[0].name], "the daemon and vgs do not agree")
      let (volume, other) = (Scratch.volumeName(), Scratch.volumeName())
      let elsewhere = Options(mebibytes: 32, extra: ["volumeGroup": groups[1].name])
      try await node.startPod(volume, Options(mebibytes: 32)).succeeds()
      try await node.startPod(other, elsewhere).fails(saying: groups[1].name)
      #expect(try groups[1].volumes().isEmpty)

      try host.add(unlisted)
      #expect(try host.groups.sorted() == groups.map(\.name).sorted())
      let isUsable = try await eventually { try usable(node) == groups.map(\.name) }
      #expect(isUsable, "the daemon and vgs do not agree")
      try await node.startPod(other, elsewhere).succeeds()
      for name in [volume, other] {
        try await node.deletePod(name).succeeds()
        node.remove(name).succeeds()
      }
    }
    try groups[1].destroy()
    for disk in [listed, unlisted] { try disk.destroy() }
    try Files.removeTree(host.directory)
  }

  private func usable(_ node: Node) throws -> [String] {
    let report = try #require(node.ask("status").succeeds().report)
    return report.groups.filter { $0.trouble == nil }.map(\.name)
  }

  @Test("no command of the daemon's starts LVM's monitor where the host's configuration wants it", .tools("dmeventd"))
  func unmonitored() async throws {
    let disk = try LoopDisk(mebibytes: 512)
    let host = try HostConfiguration()
    try host.add(disk)
    let group = try VolumeGroup(disks: [disk.device], thinPool: "256m")
    try await withNode(.thin(group), start: false) { node in
      node.environment = ["LVM_SYSTEM_DIR": host.directory]
      try await node.start()
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.growVolume(volume, from: Options(), toMebibytes: 80).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
      #expect(try !isMonitorRunning, "dmeventd was started")
      // That it would be seen:
      try host.makeMonitored(group)
      #expect(try isMonitorRunning)
    }
    try disk.destroy()
    try Files.removeTree(host.directory)
  }

  private var isMonitorRunning: Bool {
    get throws {
      try Files.list("/proc").filter { $0.allSatisfy(\.isNumber) }.contains {
        // A process that has ended since is none.
        (try? Files.readText("/proc/\($0)/comm"))?.hasPrefix("dmeventd") == true
      }
    }
  }
}
