import Glibc
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@Suite("Loop devices and mounts", .serialized, .enabled(if: Machine.hasLoopDevices, Machine.needsLoopDevices))
struct LoopAndMountTests {
  private let directory: TemporaryDirectory
  private let tools = FileSystemTools()

  init() throws { directory = try TemporaryDirectory() }

  private func formatted(_ kind: FileSystemKind, mebibytes: Int) throws -> String {
    let image = try directory.image("\(kind).img", mebibytes: mebibytes)
    try tools.make(kind, on: image, extraArguments: [], deadline: .seconds(60))
    return try LoopDevice.attach(image: image)
  }

  @Test("attaching twice returns one device, detaching twice succeeds")
  func idempotent() throws {
    let image = try directory.image("image", mebibytes: 8)
    #expect(try LoopDevice.find(image: image) == nil)
    let loop = try LoopDevice.attach(image: image)
    #expect(try LoopDevice.attach(image: image) == loop)
    #expect(link(image, directory["other name"]) == 0)
    #expect(try LoopDevice.find(image: directory["other name"]) == loop)
    #expect(try LoopDevice.all().contains { $0.device == loop && $0.backingFile == image })
    #expect(try BlockDevice.size(of: loop) == .mebibytes(8))
    #expect(truncate(image, 16 << 20) == 0)
    try LoopDevice.refreshSize(loop)
    #expect(try BlockDevice.size(of: loop) == .mebibytes(16))
    #expect(unlink(image) == 0)
    #expect(try LoopDevice.all().contains { $0.device == loop && $0.backingFile == image })
    try LoopDevice.detach(loop)
    try LoopDevice.detach(loop)
    #expect(try LoopDevice.find(image: directory["other name"]) == nil)
  }

  @Test("concurrent callers with one image get one device, with different images one each")
  func race() async throws {
    let pool = WorkerPool(name: "loop", limit: 8)
    let same = try directory.image("same", mebibytes: 1)
    let images = try (0..<6).map { try directory.image("image\($0)", mebibytes: 1) }
    let devices = try await withThrowingTaskGroup(of: String.self) { group in
      for image in images + Array(repeating: same, count: 6) {
        group.addTask { try await pool.run { () throws(SystemError) in try LoopDevice.attach(image: image) } }
      }
      return try await group.reduce(into: [String]()) { $0.append($1) }
    }
    #expect(Set(devices).count == 7)
    for device in Set(devices) { try LoopDevice.detach(device) }
  }

  @Test("direct reads return synced data and reject unaligned offsets")
  func direct() throws {
    let image = try directory.image("image", mebibytes: 1)
    let loop = try LoopDevice.attach(image: image, directIO: true)
    try patch(loop, at: 8192, Array("hello".utf8))
    try BlockDevice.sync(loop)
    #expect(try BlockDevice.readBytes(loop, offset: 8192, count: 5) == Array("hello".utf8))
    #expect(try BlockDevice.readDirect(loop, offset: 8192, count: 4096).prefix(5) == Array("hello".utf8)[...])
    #expect(try BlockDevice.readBytes(loop, offset: (1 << 20) - 3, count: 10).count == 3)
    #expect(
      failure { () throws(SystemError) in _ = try BlockDevice.readDirect(loop, offset: 1, count: 4096) } == .invalid)
    try LoopDevice.detach(loop)
  }

  @Test("a number, a size and a holder exist for block devices only")
  func numbers() throws {
    try directory.write("x", to: "f")
    #expect(failure { () throws(SystemError) in _ = try BlockDevice.number(of: directory["f"]) } == .notBlockDevice)
    #expect(failure { () throws(SystemError) in _ = try BlockDevice.size(of: "/dev/null") } == .notBlockDevice)
    #expect(failure { () throws(SystemError) in _ = try BlockDevice.number(of: directory["no"]) } == .noEntry)
    let loop = try LoopDevice.attach(image: directory.image("image", mebibytes: 1))
    let number = try BlockDevice.number(of: loop)
    #expect(number.major == 7)
    #expect(try Files.kind(of: loop) == .blockDevice(number))
    #expect(BlockDevice.deviceMapperUUID(number) == nil)
    #expect(try !BlockDevice.isHeldElsewhere(loop))
    let exclusive = try BlockDevice.openExclusively(loop)
    #expect(try BlockDevice.isHeldElsewhere(loop))
    _ = consume exclusive
    #expect(try !BlockDevice.isHeldElsewhere(loop))
    try LoopDevice.detach(loop)
  }

  @Test("a file system is mounted, found by its device, grown and unmounted", arguments: FileSystemKind.allCases)
  func life(kind: FileSystemKind) async throws {
    let loop = try formatted(kind, mebibytes: kind == .ext4 ? 32 : 320)
    let number = try BlockDevice.number(of: loop)
    _ = try directory.directory("root/volume")
    let target = try SafePath.openDirectory(root: directory["root"], components: ["volume"])
    try Mounting.mount(device: loop, at: target, fileSystem: kind.rawValue, flags: [.nodev, .noatime], data: "")
    let entry = try #require(try MountTable.current().at(target.path).last)
    #expect(entry.options.contains("nodev") && entry.options.contains("noatime") && !entry.isReadOnly)
    #expect(try MountTable.current().mounts(ofBlockDevice: number) == [entry])
    #expect(try MountTable.current().on(number).isEmpty == (kind == .btrfs))
    #expect(try BlockDevice.isHeldElsewhere(loop))
    try grow(kind, loop, target.path)
    #expect(try Mounting.unmountAllLayers(target.path) == 1)
    #expect(try Mounting.unmountAllLayers(target.path) == 0)
    #expect(failure { () throws(SystemError) in try Mounting.unmount(target.path) } == .invalid)
    // A mount namespace that somebody made meanwhile has a copy of the mount until it ends.
    #expect(try await eventually { try !BlockDevice.isHeldElsewhere(loop) })
    try LoopDevice.detach(loop)
  }

  private func grow(_ kind: FileSystemKind, _ loop: String, _ path: String) throws {
    guard kind != .ext4 || Machine.canResizeExt4 else {
      print("ext4 is not grown: growing it online needs CAP_SYS_RESOURCE")
      return
    }
    let before = try Files.space(at: path).capacity
    #expect(truncate(directory["\(kind).img"], off_t((kind == .ext4 ? 64 : 640) << 20)) == 0)
    try LoopDevice.refreshSize(loop)
    try tools.grow(kind, device: loop, mountPoint: path)
    try tools.grow(kind, device: loop, mountPoint: path)
    #expect(try Files.space(at: path).capacity > before)
  }

  @Test(
    "the kernel's reports on a file system are read: its errors, and that it became read-only",
    arguments: ["errors=continue", "errors=remount-ro"])
  func complaints(behaviour: String) async throws {
    let loop = try formatted(.ext4, mebibytes: 16)
    let path = try directory.directory("volume")
    try Mounting.mount(device: loop, atPath: path, fileSystem: "ext4", flags: [], data: behaviour)
    let now = { try #require(try MountTable.current().at(path).last) }
    #expect(try FileSystemComplaint.about(now()) == nil)
    let name = try #require(loop.split(separator: "/").last)
    try provoke("/sys/fs/ext4/\(name)/trigger_fs_error")
    // ext4 with errors=continue counts an error in a work item, so a moment later: fs/ext4/super.c, Linux 5.11.
    #expect(try await eventually { try FileSystemComplaint.about(now()) != nil })
    #expect(try FileSystemComplaint.about(now()) == (behaviour == "errors=continue" ? .errors(1) : .readOnly))
    let gone = try now()
    #expect(try Mounting.unmountAllLayers(path) == 1)
    #expect(rmdir(path) == 0)
    #expect(failure { () throws(SystemError) in _ = try FileSystemComplaint.about(gone) } == .noEntry)
    try LoopDevice.detach(loop)
  }

  /// Makes ext4 record an error: sysfs-fs-ext4.
  private func provoke(_ file: String) throws {
    let descriptor = try Descriptor.open(file, O_WRONLY)
    #expect(write(descriptor.rawValue, "x", 1) == 1)
  }

  @Test("a read-only bind mount rejects writes, keeps the other flags and leaves the source writable")
  func readOnlyBind() throws {
    let loop = try formatted(.ext4, mebibytes: 16)
    let stage = try directory.directory("stage")
    try Mounting.mount(device: loop, atPath: stage, fileSystem: "ext4", flags: [.nosuid, .nodev, .noexec], data: "")
    _ = try directory.directory("pods/a")
    let target = try SafePath.openDirectory(root: directory["pods"], components: ["a"])
    try Mounting.bind(from: stage, to: target, adding: .readOnly, by: directory["way"])
    let entry = try #require(try MountTable.current().at(target.path).last)
    #expect(Set(["ro", "nosuid", "nodev", "noexec", "relatime"]).isSubset(of: entry.options), "\(entry.options)")
    #expect(failure { () throws(SystemError) in try Files.makeDirectory(target.path + "/x", mode: 0o755) } == .readOnly)
    try Files.makeDirectory(stage + "/x", mode: 0o755)
    #expect(try Files.list(target.reopened().path) == ["lost+found", "x"])
    let path = try directory.directory("plain")
    try Mounting.bind(from: stage, toPath: path, readOnly: true)
    #expect(try MountTable.current().at(path).last?.isReadOnly == true)
    #expect(try MountTable.current().mounts(ofBlockDevice: BlockDevice.number(of: loop)).count == 3)
    for path in [path, target.path, stage] { #expect(try Mounting.unmountAllLayers(path) == 1) }
    try LoopDevice.detach(loop)
  }

  @Test(
    "a bind mount gets its additional flags before it is attached, on old kernels too, and nothing else is left",
    arguments: [
      (MountFlags([.nosuid, .nodev]), ["rw", "nosuid", "nodev", "relatime"]),
      ([.readOnly, .noexec, .noatime, .nodiratime], ["ro", "noexec", "noatime", "nodiratime"]),
      ([.strictatime, .nodev], ["rw", "nodev"]), ([.relatime, .readOnly], ["ro", "relatime"]),
    ] as [(MountFlags, [String])])
  func flagged(flags: MountFlags, options: [String]) throws {
    let source = try directory.directory("source")
    let way = directory["way"]
    for isStepwise in [false, true] {
      let target = try SafePath.openDirectory(root: directory.directory("pods"), components: [])
      if isStepwise {
        // The state after a crash during the bind.
        try Mounting.bind(from: directory.directory("other"), toPath: directory.directory("way"), readOnly: false)
        try Mounting.bindStepwise(from: source, to: target, adding: flags, by: way)
      } else {
        try Mounting.bind(from: source, to: target, adding: flags, by: way)
      }
      let entry = try #require(try MountTable.current().at(target.path).last)
      #expect(Set(options).isSubset(of: entry.options), "\(isStepwise): \(entry.options)")
      let atime = Set(entry.options).intersection(["relatime", "noatime"])
      #expect(atime == Set(options).intersection(["relatime", "noatime"]), "\(isStepwise): \(entry.options)")
      #expect(try MountTable.current().at(way).isEmpty)
      #expect(try Mounting.unmountAllLayers(target.path) == 1)
    }
  }

  @Test("stacked mounts are listed bottom first and all unmounted")
  func layers() throws {
    let path = try directory.directory("target")
    for name in ["one", "two", "three"] {
      try Mounting.bind(from: directory.directory(name), toPath: path, readOnly: false)
    }
    let roots = try MountTable.current().at(path).map(\.root)
    #expect(roots.map { $0.split(separator: "/").last } == ["one", "two", "three"])
    #expect(rmdir(directory["three"]) == 0)
    #expect(try MountTable.current().at(path).map(\.isRootDeleted) == [false, false, true])
    #expect(try Mounting.unmountAllLayers(path) == 3)
  }

  @Test("unmounting a mount in use is EBUSY, and unmount does not follow a link")
  func busy() throws {
    let path = try directory.directory("target")
    try Mounting.bind(from: directory.directory("source"), toPath: path, readOnly: false)
    let user = try Descriptor.open(path, O_RDONLY)
    #expect(failure { () throws(SystemError) in try Mounting.unmount(path) } == .busy)
    _ = consume user
    #expect(symlink(path, directory["link"]) == 0)
    #expect(failure { () throws(SystemError) in try Mounting.unmount(directory["link"]) } == .invalid)
    try Mounting.unmount(path)
  }

  @Test("a missing tool and a failing tool are different errors")
  func toolErrors() throws {
    let error = #expect(throws: ToolError.self) {
      try tools.make(.ext4, on: directory["nothing/here"], extraArguments: [], deadline: .seconds(10))
    }
    #expect(error?.tool == "mkfs.ext4")
    #expect(error?.status == .exited(1))
    #expect(error?.description.hasPrefix("mkfs.ext4: exit code 1: ") == true)
    #expect(ToolError(tool: "x", reason: .missing, output: "").status == nil)
  }
}
