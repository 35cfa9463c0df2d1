import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// What each call does when nothing is in its way, and what it refuses.
@Suite("Mount, unmount and the attach path")
struct PublishTests {
  private let node: SimulatedNode
  private let daemon: CallHandler

  init() async throws {
    node = try SimulatedNode()
    daemon = try await node.start()
  }

  @Test("a mount makes, formats, stages and publishes the volume, once, and leaves no permit")
  func first() async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    let volume = try #require(node.volume())
    #expect(volume.size == .gibibytes(1))
    #expect(volume.marks?.claim?.text == SimulatedNode.claim)
    let uuid = try #require(volume.marks?.creation?.fileSystemIdentity.uuid)
    #expect(node.contents() == .fileSystem(type: "ext4", uuid: uuid, label: nil))
    #expect(node.mountPoints() == [SimulatedNode.pod(1), node.stagingPath].sorted())
    #expect(node.view.permits.isEmpty)
    for _ in 0..<3 { await daemon.succeed(SimulatedNode.mount(1), "again") }
    #expect(node.formats() == 1)
    #expect(node.mountPoints().count == 2, "a second call stacks nothing")
  }

  /// The kernel writes the table anew for each reader. Each number is of looks that a decision needs: what is at the pod's
  /// directory, what the volume is mounted at, and, after mkfs and after the mount, what is there now.
  @Test("a mount reads the mount table three times if the volume has a file system, and once more if it creates one")
  func looks() async throws {
    func looks(_ call: [String]) async -> Int {
      let before = node.tools.state.withLock { $0.looks }
      await daemon.succeed(call)
      return node.tools.state.withLock { $0.looks } - before
    }
    #expect(await looks(SimulatedNode.mount(1)) == 4, "a new volume")
    #expect(await looks(SimulatedNode.mount(2)) == 3, "one that is staged")
    #expect(await looks(SimulatedNode.mount(2)) == 2, "one that is there already")
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(SimulatedNode.unmount(2))
    #expect(await looks(SimulatedNode.mount(1)) == 3, "one with data that is mounted nowhere")
  }

  @Test("two pods share a volume, one read-only; the last one to go unstages it")
  func twoPods() async {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.mount(2, readOnly: true))
    #expect(node.formats() == 1)
    #expect(node.view.mounts.contains("\(SimulatedNode.device) at \(SimulatedNode.pod(2)) ro"))
    #expect(node.view.mounts.contains("\(SimulatedNode.device) at \(SimulatedNode.pod(1)) rw"))
    await daemon.succeed(SimulatedNode.unmount(1))
    #expect(node.mountPoints() == [SimulatedNode.pod(2), node.stagingPath].sorted())
    await daemon.succeed(SimulatedNode.unmount(2))
    #expect(node.mountPoints().isEmpty)
    #expect(node.view.stagings.isEmpty)
    #expect(node.volume() != nil, "the volume stays")
    await daemon.succeed(SimulatedNode.mount(1))
    #expect(node.formats() == 1, "and is mounted as it is")
  }

  @Test("a bind that a crash left writable is made read-only when the call comes again")
  func writableBind() async {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.mount(1, readOnly: true))
    #expect(node.view.mounts.contains("\(SimulatedNode.device) at \(SimulatedNode.pod(1)) ro"))
    #expect(node.mountPoints().count == 2)
  }

  @Test("unmount of a volume that is not mounted, gone or unknown is success, however often")
  func unmountNothing() async throws {
    for _ in 0..<2 {
      await daemon.succeed(SimulatedNode.unmount(1), "never known")
      await daemon.succeed(SimulatedNode.unmount(1, volume: "inline-volume"), "never known either")
    }
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.unmount(2), "not mounted there")
    #expect(node.mountPoints().contains(SimulatedNode.pod(1)), "the other pod keeps it")
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(SimulatedNode.unmount(1), "again")
    await daemon.succeed(["remove", SimulatedNode.name])
    await daemon.succeed(SimulatedNode.unmount(1), "the volume is gone")
    #expect(node.view.isEmpty)
  }

  @Test("unmount takes all layers off a pod's directory")
  func layers() async {
    await daemon.succeed(SimulatedNode.mount(1))
    node.placeMount(at: SimulatedNode.pod(1))
    await daemon.succeed(SimulatedNode.unmount(1))
    #expect(node.mountPoints().isEmpty)
  }

  @Test("a directory at which something else is mounted is a conflict, and nothing is made")
  func conflict() async {
    node.placeMount(at: SimulatedNode.pod(1), source: "/dev/sda1")
    let before = node.view
    await daemon.fail(SimulatedNode.mount(1), naming: "/dev/sda1", SimulatedNode.name, SimulatedNode.pod(1))
    #expect(node.view == before)
    await daemon.succeed(SimulatedNode.mount(2))
    let withVolume = node.view
    await daemon.fail(SimulatedNode.mount(1), naming: "/dev/sda1", SimulatedNode.name, SimulatedNode.pod(1))
    #expect(node.view == withVolume, "the volume's being there and mounted elsewhere makes no difference")
  }

  @Test("a staging directory at which something else is mounted is a conflict, and nothing is made")
  func stagingConflict() async {
    node.placeMount(at: node.stagingPath, source: "/dev/sda1")
    let before = node.view
    await daemon.fail(SimulatedNode.mount(1), naming: "/dev/sda1", SimulatedNode.name)
    #expect(node.view == before)
  }

  @Test("without a size an unknown volume is refused, and a known one is mounted")
  func size() async {
    let call = ["mount", SimulatedNode.pod(1), SimulatedNode.options(size: nil)]
    await daemon.fail(call, naming: SimulatedNode.name, "sizeBytes", "node-1")
    #expect(node.view.isEmpty)
    await daemon.succeed(SimulatedNode.mount(2))
    await daemon.succeed(call)
  }

  @Test("a size that does not fit is refused, saying how much is missing, and nothing stays")
  func full() async {
    await daemon.fail(
      ["mount", SimulatedNode.pod(1), SimulatedNode.options(size: "1099511627776")], naming: "free", "requested",
      "missing", SimulatedNode.name)
    #expect(node.view.isEmpty)
  }

  @Test("ten volumes in space for four: four are mounted, six are refused, nothing incomplete stays")
  func crowd() async throws {
    let small = try SimulatedNode(totalSize: .gibibytes(4))
    let daemon = try await small.start()
    let replies = await withTaskGroup(of: Reply.self) { group in
      for number in 0..<10 {
        group.addTask { await daemon.handle(SimulatedNode.mount(1, volume: "pvc-\(number)")).reply }
      }
      return await group.reduce(into: [Reply]()) { $0.append($1) }
    }
    #expect(replies.count { $0.isSuccess } == 4)
    #expect(replies.filter { !$0.isSuccess }.allSatisfy { $0.message?.contains("missing") == true })
    #expect(small.view.volumes.count == 4 && small.view.mounts.count == 8)
    #expect(small.view.permits.isEmpty)
  }

  @Test("fifty concurrent calls on ten volumes come out as if one after the other")
  func fifty() async throws {
    let daemon = daemon
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask { await daemon.succeed(SimulatedNode.mount(number % 5, volume: "pvc-\(number / 5)")) }
      }
    }
    #expect(node.view.volumes.count == 10)
    #expect(node.mountPoints().count == 60, "a staging a volume, a bind a pod")
    #expect(node.tools.formatCount == 10)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask { await daemon.succeed(SimulatedNode.unmount(number % 5, volume: "pvc-\(number / 5)")) }
      }
    }
    #expect(node.mountPoints().isEmpty)
    #expect(node.view.stagings.isEmpty)
  }

  @Test("mkfs gets our standard switches, followed by the volume's")
  func mkfsOptions() async throws {
    await daemon.succeed([
      "mount", SimulatedNode.pod(1), SimulatedNode.options(fsType: "xfs", ["mkfsOptions": "-i size=1024"]),
    ])
    #expect(node.tools.state.withLock { $0.mkfsArguments } == [["xfs", "-K", "-i", "size=1024"]])
    let uuid = try #require(node.volume()?.marks?.creation?.fileSystemIdentity.uuid)
    #expect(node.contents() == .fileSystem(type: "xfs", uuid: uuid, label: nil))
  }

  @Test("a volume with another file system than requested is mounted as it is, and that is logged")
  func otherFileSystem() async {
    await daemon.succeed(SimulatedNode.mount(1))
    node.placeData(type: "xfs")
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(["mount", SimulatedNode.pod(1), SimulatedNode.options(fsType: "ext4")])
    #expect(node.hasData)
    #expect(node.formats() == 1)
    #expect(node.lines.withLock { $0.contains { $0.contains("another file system") && $0.contains("found=xfs") } })
  }

  @Test("a file system is repaired before its first mount on the node, and not while it is mounted")
  func repair() async {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.mount(2))
    #expect(node.tools.state.withLock { $0.repaired } == [SimulatedNode.device])
  }

  @Test("the attach path: the device, its file system, kubelet's directory, the pod's, and back")
  func attachPath() async {
    let options = SimulatedNode.options()
    for _ in 0..<2 {
      let reply = await daemon.succeed(["waitforattach", "", options])
      #expect(reply.device == SimulatedNode.device)
      #expect(node.contents() == .blank, "it is formatted when it is mounted")
    }
    for _ in 0..<2 { await daemon.succeed(["mountdevice", SimulatedNode.global(), SimulatedNode.device, options]) }
    #expect(node.mountPoints() == [SimulatedNode.global()])
    #expect(node.formats() == 1)
    #expect(node.view.permits.isEmpty)
    await daemon.succeed(SimulatedNode.mount(1))
    #expect(node.mountPoints() == [SimulatedNode.global(), SimulatedNode.pod(1)].sorted(), "no staging of our own")
    await daemon.succeed(SimulatedNode.unmount(1))
    #expect(node.mountPoints() == [SimulatedNode.global()])
    for _ in 0..<2 { await daemon.succeed(["unmountdevice", SimulatedNode.global()]) }
    await daemon.succeed(["unmountdevice", SimulatedNode.global("pvc-never-known")])
    #expect(node.mountPoints().isEmpty)
    await daemon.succeed(["remove", SimulatedNode.name])
    #expect(node.view.isEmpty)
  }

  @Test("a global directory at which something else is mounted is a conflict, and nothing is made")
  func globalConflict() async {
    node.placeMount(at: SimulatedNode.global(), source: "/dev/sda1")
    let before = node.view
    await daemon.fail(
      ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()], naming: "/dev/sda1")
    #expect(node.view == before)
    await daemon.succeed(["waitforattach", "", SimulatedNode.options()])
    let withVolume = node.view
    await daemon.fail(
      ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()], naming: "/dev/sda1")
    #expect(node.view == withVolume)
  }
}

/// Rules 1 and 2 of the design.
@Suite("What is never touched")
struct ProtectionTests {
  private let node: SimulatedNode
  private let daemon: CallHandler

  init() async throws {
    node = try SimulatedNode()
    daemon = try await node.start()
  }

  static let unfit: [(DeviceContents, String)] = [
    (.blank, "blank"), (.other(kind: "crypto_LUKS"), "LUKS"), (.other(kind: "LVM2_member"), "an LVM member"),
    (.other(kind: "linux_raid_member"), "an MD member"), (.other(kind: "swap"), "swap"),
    (.other(kind: "dos"), "a partition table"), (.other(kind: "ext4 with a bad checksum"), "a damaged superblock"),
    (.ambivalent("ext4 and xfs"), "two signatures"), (.fileSystem(type: "vfat", uuid: nil, label: nil), "vfat"),
    (.fileSystem(type: "ntfs", uuid: nil, label: nil), "ntfs"),
  ]

  @Test("a foreign volume that holds no file system of ours is neither adopted nor formatted:", arguments: unfit)
  func foreign(_ contents: DeviceContents, _ remark: String) async throws {
    try node.placeForeign(contents)
    let before = node.view
    for call in [
      SimulatedNode.mount(1), ["waitforattach", "", SimulatedNode.options()],
      ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()],
    ] {
      await daemon.fail(call, naming: SimulatedNode.name)
      #expect(node.view == before, "\(remark), \(call[0])")
    }
    #expect(node.tools.formatCount == 0)
  }

  @Test(
    "a volume of ours without a permit is never formatted, whatever it holds or seems not to hold:", arguments: unfit)
  func ours(_ contents: DeviceContents, _ remark: String) async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.unmount(1))
    node.world.state.withLock { $0.devices[SimulatedNode.device] = contents }
    let before = node.view
    for call in [
      SimulatedNode.mount(1), ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()],
    ] {
      await daemon.fail(call, naming: SimulatedNode.name)
      #expect(node.view == before, "\(remark), \(call[0])")
    }
    let restarted = try await node.start()
    await restarted.fail(SimulatedNode.mount(1), naming: SimulatedNode.name)
    #expect(node.view == before, "\(remark), after a restart")
    #expect(node.tools.formatCount == 1)
  }

  @Test("a permit of another creation allows nothing")
  func otherPermit() async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.unmount(1))
    node.world.state.withLock { $0.devices[SimulatedNode.device] = .blank }
    let name = try VolumeName(SimulatedNode.name)
    let other = try #require(CreationToken("zzzzzzzzzzzzzzzz"))
    let permits = FormatPermits(directory: node.configuration.permitDirectory)
    for progress in FormatPermit.Progress.allCases {
      try permits.write(FormatPermit(volume: name, creation: other, progress: progress))
      await daemon.fail(SimulatedNode.mount(1), naming: SimulatedNode.name)
      #expect(node.tools.formatCount == 1)
      #expect(node.volume() != nil, "nor does it allow the removal of the volume")
      try permits.write(FormatPermit(volume: name, creation: other, progress: progress))
      _ = try await node.start()
      #expect(node.volume() != nil, "nor at start")
      #expect(node.view.permits.isEmpty, "it is cleared away")
    }
  }

  @Test("a garbage permit is refused loudly: nothing is formatted, nothing removed, and the file is named")
  func garbagePermit() async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.unmount(1))
    node.world.state.withLock { $0.devices[SimulatedNode.device] = .blank }
    for text in [
      "", "{", "null", "{\"volume\":\"other\",\"creation\":\"abcdefgh\",\"progress\":\"planned\"}", "\0\0\0",
    ] {
      try Files.writeDurably(Array(text.utf8), to: node.configuration.permitDirectory + "/\(SimulatedNode.name).json")
      let before = node.view
      await daemon.fail(SimulatedNode.mount(1), naming: node.configuration.permitDirectory, SimulatedNode.name)
      #expect(node.view == before)
      let restarted = try await node.start()
      #expect(node.view == before)
      #expect(node.lines.withLock { $0.last { $0.contains(" error ") }?.contains(SimulatedNode.name) } == true)
      await restarted.fail(SimulatedNode.mount(1), naming: node.configuration.permitDirectory)
      await restarted.fail(["remove", SimulatedNode.name], naming: node.configuration.permitDirectory)
      await restarted.succeed(SimulatedNode.mount(1, volume: "another"), "one bad file keeps no other volume away")
      await restarted.succeed(SimulatedNode.unmount(1, volume: "another"))
      await restarted.succeed(["remove", "another"])
      #expect(node.view == before)
    }
    #expect(node.formats() == 1)
  }

  @Test("an interrupted volume that is mounted all the same is left alone")
  func mountedInterrupted() async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    let token = try #require(node.volume()?.marks?.creation)
    node.placeData(type: "ext4")
    let permit = FormatPermit(volume: try VolumeName(SimulatedNode.name), creation: token, progress: .formatting)
    try FormatPermits(directory: node.configuration.permitDirectory).write(permit)
    let restarted = try await node.start()
    #expect(node.volume() != nil)
    await restarted.fail(["remove", SimulatedNode.name], naming: "mounted at")
    await restarted.fail(SimulatedNode.mount(2), naming: "mounted at")
    #expect(node.volume() != nil)
    #expect(node.formats() == 1)
  }

  @Test("a permit that comes back while its volume is in use is removed: the file system carries its token")
  func permitOfVolumeInUse() async throws {
    await daemon.succeed(SimulatedNode.mount(1))
    let token = try #require(node.volume()?.marks?.creation)
    for progress in FormatPermit.Progress.allCases {
      let permit = FormatPermit(volume: try VolumeName(SimulatedNode.name), creation: token, progress: progress)
      try FormatPermits(directory: node.configuration.permitDirectory).write(permit)
      await daemon.succeed(SimulatedNode.mount(2))
      await daemon.succeed(SimulatedNode.unmount(2))
    }
    #expect(node.view.permits.isEmpty)
    #expect(node.formats() == 1)
  }

  @Test("a blank device that another process holds is not formatted")
  func held() async {
    node.tools.state.withLock { $0.isHeld = true }
    await daemon.fail(SimulatedNode.mount(1), naming: SimulatedNode.name, "in use")
    #expect(node.tools.formatCount == 0)
    #expect(node.view.isEmpty)
  }

  @Test(
    "a volume of the Go program with a file system is adopted: mounted, marked, never formatted",
    arguments: FileSystemKind.allCases)
  func adoption(_ kind: FileSystemKind) async throws {
    try node.placeForeign(.fileSystem(type: kind.rawValue, uuid: "data", label: nil))
    await daemon.succeed(SimulatedNode.mount(1))
    #expect(node.hasData)
    #expect(node.tools.formatCount == 0)
    let marks = try #require(node.volume()?.marks)
    #expect(marks == StoredVolume.Marks(claim: ClaimUID(SimulatedNode.claim), creation: nil))
    await daemon.succeed(SimulatedNode.unmount(1))
    node.world.state.withLock { $0.devices[SimulatedNode.device] = .blank }
    await daemon.fail(SimulatedNode.mount(1), naming: SimulatedNode.name)
    #expect(node.tools.formatCount == 0, "an adopted volume is never formatted, even if it looks blank later")
  }

  @Test(
    "a volume that is not plain is left alone:",
    arguments: ["thin,pool volume (role private)", "snapshot", "cache volume"])
  func notAdoptable(_ kind: String) async throws {
    try node.placeForeign(.fileSystem(type: "ext4", uuid: "data", label: nil), adoptable: false, kind: kind)
    let before = node.view
    await daemon.fail(SimulatedNode.mount(1), naming: SimulatedNode.name, kind)
    await daemon.fail(["remove", SimulatedNode.name], naming: SimulatedNode.name)
    await daemon.fail(["retain", SimulatedNode.name], naming: SimulatedNode.name)
    #expect(node.view == before)
  }

  @Test("a failing mkfs leaves neither volume nor permit, and the next call makes a fresh one")
  func failingMkfs() async {
    node.tools.state.withLock { $0.failing = "mkfs" }
    await daemon.fail(SimulatedNode.mount(1), naming: "mkfs")
    #expect(node.view.isEmpty)
    node.tools.state.withLock { $0.failing = nil }
    await daemon.succeed(SimulatedNode.mount(1))
    #expect(node.tools.destroyed.isEmpty)
  }

  @Test("names and paths that do not belong together are refused before anything is made")
  func names() async {
    let rows: [([String], String)] = [
      (["mount", SimulatedNode.pod(1), SimulatedNode.options(volume: "pvc-other")], "the options name another volume"),
      (["mount", SimulatedNode.global(), SimulatedNode.options()], "mount wants a pod's directory"),
      (["unmount", SimulatedNode.global()], "unmount wants a pod's directory"),
      (
        ["mountdevice", SimulatedNode.pod(1), "/dev/x", SimulatedNode.options()],
        "mountdevice wants kubelet's directory"
      ),
      (["unmountdevice", SimulatedNode.pod(1)], "so does unmountdevice"),
      (["mount", "/etc", SimulatedNode.options()], "outside kubelet's root"),
      (["mount", SimulatedNode.pod(1)], "an argument is missing"),
      (["mount", SimulatedNode.pod(1), "x", "y", "z"], "too many arguments"),
      (["mount", SimulatedNode.pod(1), "no json"], "no options"),
      (["mount", SimulatedNode.pod(1), "[]"], "no object"),
      (["mount", SimulatedNode.pod(1), SimulatedNode.options(["fstype": "ext4"])], "a misspelt option"),
      (
        ["mount", SimulatedNode.pod(1), SimulatedNode.options(["mountOptions": "suid"])],
        "an option that is not allowed"
      ),
      (["mount", SimulatedNode.pod(1), SimulatedNode.options(["mkfsOptions": "--config /x"])], "a switch that is not"),
      (["waitforattach", "", "{}"], "no volume is named"), (["waitforattach"], "no arguments"),
      (["unmount"], "no path"), (["unmount", ""], "an empty path"), (["unmountdevice", "/", "x"], "too many"),
      (["expandfs", SimulatedNode.options(), "d", SimulatedNode.pod(1), "-1", "0"], "a negative size"),
      (["expandfs", SimulatedNode.options(), "d", SimulatedNode.pod(1), "0", "0"], "no size"),
      (
        ["expandfs", SimulatedNode.options(), "d", SimulatedNode.pod(1), "9223372036854775808", "0"], "too large a size"
      ),
      (["remove"], "no volume"), (["remove", "../x"], "no name"), (["remove", "a", "b"], "no claim"),
      (["retain", "a", "b"], "too many"), (["unretain", "-y"], "no name"),
    ]
    for (call, remark) in rows {
      let reply = await daemon.handle(call).reply
      #expect(reply.status == "Failure", "\(remark)")
      #expect(reply.message?.isEmpty == false, "\(remark)")
      #expect(node.view.isEmpty, "\(remark)")
    }
  }

  @Test("an unknown command is answered as not supported, and the control plane's commands are answered")
  func verbs() async {
    for verb in ["", "frobnicate", "Mount", "getvolumename", "mount\n"] {
      #expect(await daemon.handle([verb]).reply.status == "Not supported", "\(verb)")
    }
    let labels = Set(daemon.context.metrics.snapshot.calls.keys.map(\.verb))
    #expect(labels == ["other", "getvolumename"], "verbs that nobody knows share one label")
    #expect(await daemon.handle([]).reply.status == "Not supported")
    #expect(await daemon.succeed(["init"]).capabilities?.attach == false)
    #expect(await daemon.succeed(["isattached", "{}", "n"]).attached == true)
    for verb in ["attach", "detach", "waitfordetach", "expandvolume"] { await daemon.succeed([verb]) }
  }

  @Test("no secret and no option's value is in any reply or log line")
  func secrets() async {
    let secret = "hunter2-dHJvdWJhZG9y"
    let options = [
      "kubernetes.io/secret/password": secret, "password": secret, "mountOptions": "errors=\(secret)",
      "mkfsOptions": "-E \(secret)",
    ]
    for (key, value) in options {
      for call in [
        ["mount", SimulatedNode.pod(1), SimulatedNode.options([key: value])],
        ["mount", SimulatedNode.pod(1), SimulatedNode.options(size: nil, volume: "pvc-x", [key: value])],
        ["mount", SimulatedNode.pod(1), SimulatedNode.options([key: value]) + "x"],
        ["mount", SimulatedNode.pod(1), SimulatedNode.options([key: value]) + secret],
        ["waitforattach", secret, SimulatedNode.options([key: value])],
      ] {
        let reply = await daemon.handle(call).reply
        #expect(reply.message?.contains(secret) != true, "\(key): \(reply.message ?? "")")
      }
    }
    #expect(node.lines.withLock { $0.filter { $0.contains(secret) } } == [])
  }
}

@Suite("Growing")
struct ExpandTests {
  private let node: SimulatedNode
  private let daemon: CallHandler

  init() async throws {
    node = try SimulatedNode()
    daemon = try await node.start()
  }

  private func expand(_ size: String, at path: String = SimulatedNode.pod(1)) -> [String] {
    ["expandfs", SimulatedNode.options(), SimulatedNode.device, path, size, "1073741824"]
  }

  @Test("volume and file system grow, a repeated call succeeds, and nothing ever shrinks")
  func grows() async {
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(expand("2147483647"))
    #expect(node.volume()?.size == .gibibytes(2), "rounded up")
    #expect(node.tools.state.withLock { $0.grown } == ["ext4 \(SimulatedNode.device) at \(node.stagingPath)"])
    await daemon.succeed(expand("2147483647"), "again: a crash may have come before the file system was grown")
    #expect(node.tools.state.withLock { $0.grown.count } == 2)
    await daemon.succeed(expand("1"))
    #expect(node.volume()?.size == .gibibytes(2))
  }

  @Test("without free space the failure says how much is missing, and nothing is changed")
  func noRoom() async {
    await daemon.succeed(SimulatedNode.mount(1))
    let before = node.view
    await daemon.fail(expand("1099511627776"), naming: "missing", SimulatedNode.name)
    #expect(node.view == before)
    #expect(node.tools.state.withLock { $0.grown.isEmpty })
  }

  @Test("a volume that is not mounted, not there or not ours is not grown")
  func refused() async throws {
    await daemon.fail(expand("2147483648"), naming: SimulatedNode.name, "does not exist")
    await daemon.succeed(SimulatedNode.mount(1))
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.fail(expand("2147483648"), naming: SimulatedNode.name, "not mounted")
    #expect(node.volume()?.size == .gibibytes(1))
    let other = try SimulatedNode()
    let otherDaemon = try await other.start()
    try other.placeForeign(.fileSystem(type: "ext4", uuid: "data", label: nil))
    other.placeMount(at: SimulatedNode.pod(1), source: SimulatedNode.device)
    let before = other.view
    await otherDaemon.fail(expand("2147483648"))
    #expect(other.view == before)
  }

  @Test("a read-only pod's volume is grown through the staging, and kubelet's directory where there is none")
  func through() async {
    await daemon.succeed(SimulatedNode.mount(1, readOnly: true))
    await daemon.succeed(expand("2147483648"))
    await daemon.succeed(SimulatedNode.unmount(1))
    await daemon.succeed(["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()])
    await daemon.succeed(expand("3221225472", at: SimulatedNode.global()))
    let grown = node.tools.state.withLock { $0.grown }
    #expect(
      grown == [
        "ext4 \(SimulatedNode.device) at \(node.stagingPath)",
        "ext4 \(SimulatedNode.device) at \(SimulatedNode.global())",
      ])
  }
}

/// Rule 3 of the design.
@Suite("Removing volumes that are proven unused")
struct ReclaimTests {
  private let node: SimulatedNode
  private let daemon: CallHandler

  init() async throws {
    node = try SimulatedNode()
    daemon = try await node.start()
    await daemon.succeed(SimulatedNode.mount(1))
    node.placeData()
  }

  private func expectKept(_ remark: Comment, _ sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(node.volume() != nil, remark, sourceLocation: sourceLocation)
    #expect(node.hasData, remark, sourceLocation: sourceLocation)
  }

  @Test("a mounted volume is kept, naming where it is mounted")
  func mounted() async {
    await daemon.fail(["remove", SimulatedNode.name], naming: SimulatedNode.name, SimulatedNode.pod(1))
    expectKept("mounted")
    #expect(node.mountPoints().count == 2, "and stays mounted")
  }

  @Test("a volume that is held outside of our mount namespace is kept")
  func held() async {
    await daemon.succeed(SimulatedNode.unmount(1))
    node.tools.state.withLock { $0.isHeld = true }
    await daemon.fail(["remove", SimulatedNode.name], naming: SimulatedNode.name, "in use")
    expectKept("held")
  }

  @Test("a volume of another claim is kept, and so is one without a claim when a claim is named")
  func claim() async throws {
    await daemon.succeed(SimulatedNode.unmount(1))
    let other = "11111111-2222-3333-4444-555555555555"
    await daemon.fail(["remove", SimulatedNode.name, other], naming: SimulatedNode.claim, other)
    expectKept("another claim")
    await daemon.succeed(SimulatedNode.mount(1, volume: "inline"))
    await daemon.succeed(SimulatedNode.unmount(1, volume: "inline"))
    await daemon.fail(["remove", "inline", SimulatedNode.claim], naming: "inline")
    #expect(node.volume("inline") != nil)
  }

  @Test("a retained volume is kept until the mark is cleared, also after a restart")
  func retained() async throws {
    await daemon.succeed(SimulatedNode.unmount(1))
    for _ in 0..<2 { await daemon.succeed(["retain", SimulatedNode.name]) }
    await daemon.fail(["remove", SimulatedNode.name], naming: SimulatedNode.name, "unretain")
    let restarted = try await node.start()
    await restarted.fail(["remove", SimulatedNode.name, SimulatedNode.claim], naming: "retained")
    expectKept("retained")
    for _ in 0..<2 { await restarted.succeed(["unretain", SimulatedNode.name]) }
    await restarted.succeed(["remove", SimulatedNode.name, SimulatedNode.claim])
    #expect(node.view.isEmpty)
    await restarted.fail(["retain", SimulatedNode.name], naming: SimulatedNode.name)
  }

  @Test("a foreign volume is kept")
  func foreign() async throws {
    try node.placeForeign(.fileSystem(type: "ext4", uuid: "data", label: nil), name: "somebodys")
    let before = node.view
    await daemon.fail(["remove", "somebodys"], naming: "somebodys", "not ours")
    #expect(node.view == before)
  }

  @Test("a volume younger than the grace time is kept, an older one is removed, and a clock that went back keeps it")
  func grace() async throws {
    let node = try SimulatedNode(reclaimGrace: .seconds(60))
    await (try await node.start()).succeed(SimulatedNode.mount(1))
    await (try await node.start()).succeed(SimulatedNode.unmount(1))
    let born = try #require(node.volume()?.createdAt)
    for (age, remark) in [(0, "just made"), (59, "not quite"), (-3600, "made in the future")] {
      let daemon = try await node.start(now: { born + .seconds(age) })
      await daemon.fail(["remove", SimulatedNode.name], naming: "--reclaim-grace")
      #expect(node.volume() != nil, "\(remark)")
    }
    await (try await node.start(now: { born + .seconds(60) })).succeed(["remove", SimulatedNode.name])
    #expect(node.view.isEmpty)
  }

  @Test("removing a volume that is gone is success and says so; removing takes an interrupted creation with it")
  func gone() async throws {
    await daemon.succeed(SimulatedNode.unmount(1))
    let removed = await daemon.succeed(["remove", SimulatedNode.name, SimulatedNode.claim])
    #expect(removed.message?.contains("removed") == true)
    let again = await daemon.succeed(["remove", SimulatedNode.name, SimulatedNode.claim])
    #expect(again.message?.contains("nothing to do") == true)
    await daemon.succeed(["waitforattach", "", SimulatedNode.options()])
    #expect(node.view.permits.count == 1)
    await daemon.succeed(["remove", SimulatedNode.name])
    #expect(node.view.isEmpty)
  }
}
