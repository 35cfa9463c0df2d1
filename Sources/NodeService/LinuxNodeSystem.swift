package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// The real thing. Every call runs on a thread of a bounded pool, so a stuck one takes no more than that thread, and each
/// group of volumes has its own, see ``lanes()``.
package struct LinuxNodeSystem: NodeSystem {
  let lanes: WorkLanes
  private let tools: FileSystemTools
  private let bindingDirectory: String

  /// - Parameter bindingDirectory: a directory of ours by which old kernels bind, see ``Mounting``. By its real path.
  package init(
    lanes: WorkLanes = LinuxNodeSystem.lanes(), bindingDirectory: String, tools: FileSystemTools = FileSystemTools()
  ) {
    self.lanes = lanes
    self.bindingDirectory = bindingDirectory
    self.tools = tools
  }

  package func resolve(root: String, components: [String]) async throws(VolumeError) -> String? {
    do throws(SystemError) {
      return try await pool(.table).run { () throws(SystemError) in
        do throws(SystemError) {
          return try SafePath.openDirectory(root: root, components: components).path
        } catch {
          if error.errno == .noEntry { return nil }
          throw error
        }
      }
    } catch {
      throw Self.refusal(error, components)
    }
  }

  package func prepareMounting(root: String) async throws(VolumeError) {
    let path = try await realKubeletRoot(root)
    let (table, first) = try await run("reading the mount table") { () throws(SystemError) in
      (try MountTable.current(), MountTable.ofFirstProcess())
    }
    try KubeletRootCheck.requireShared(path, table, firstProcess: first)
    try await run("taking down what is mounted at \(bindingDirectory)") { [bindingDirectory] () throws(SystemError) in
      try Mounting.clear(way: bindingDirectory)
    }
  }

  private func realKubeletRoot(_ root: String) async throws(VolumeError) -> String {
    do throws(SystemError) {
      return try await pool(.table).run { () throws(SystemError) in
        try SafePath.openDirectory(root: root, components: []).path
      }
    } catch {
      guard error.errno == .noEntry || error.errno == .notDirectory else {
        throw VolumeError(error, during: "looking at kubelet's root directory \(root)")
      }
      let found = error.errno == .noEntry ? "does not exist" : "is not a directory"
      throw VolumeError(
        .notFound,
        "kubelet's root directory \(root) \(found). Set --kubelet-root (ELASTIC_LOCAL_KUBELET_ROOT) to kubelet's --root-dir; "
          + "kubelet makes the directory when it starts for the first time")
    }
  }

  package func view(root: String, components: [String]) async throws(VolumeError) -> DirectoryView? {
    // Some file systems wait for their disk before they tell of themselves, xfs before Linux 6.0 for example.
    let path = try await resolve(root: root, components: components)
    let top = try await table().at(path ?? "").last
    do throws(SystemError) {
      return try await pool(.mount, top?.source).run { () throws(SystemError) in
        try SafePath.openDirectory(root: root, components: components).view()
      }
    } catch {
      throw Self.refusal(error, components)
    }
  }

  package func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool {
    await pool(.table).run {
      // One that cannot be resolved is none that is known to be the same; the caller's refusal names the path.
      guard let first = try? Files.realPath(first), let second = try? Files.realPath(second) else { return false }
      return first == second
    }
  }

  package func mounts(at path: String) async throws(VolumeError) -> [MountEntry] {
    try await table().at(path)
  }

  package func mounts(of location: StoredVolume.Location) async throws(VolumeError) -> [MountEntry] {
    try await mounts(ofAll: [location]).first ?? []
  }

  package func mounts(
    ofAll locations: [StoredVolume.Location]
  ) async throws(VolumeError) -> [[MountEntry]] {
    try await run("reading the mount table") { () throws(SystemError) in
      let table = try MountTable.current()
      var result: [[MountEntry]] = []
      for location in locations { result.append(try table.mounts(of: location)) }
      return result
    }
  }

  package func mounts(like entry: MountEntry) async throws(VolumeError) -> [MountEntry] {
    try await table().on(entry.device)
  }

  package func allMounts() async throws(VolumeError) -> [MountEntry] { try await table().entries }

  package func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool {
    try await run("looking for mounts of \(directory)") { () throws(SystemError) in
      guard let identity = try MountTable.current().identity(ofDirectory: directory) else { return false }
      return try MountTable.ofAllNamespaces().contains { table in
        table.shows(identity)
      }
    }
  }

  package func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint? {
    try await run(.look, mount.source, "looking at the file system at \(mount.mountPoint)") { () throws(SystemError) in
      try FileSystemComplaint.about(mount)
    }
  }

  package func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents {
    try await run(.mount, device, "looking into \(device)") { () throws(SystemError) in
      try DeviceContents.probe(device, knownAs: identity)
    }
  }

  package func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    // mkfs.ext4 writes the superblock last, mkfs.btrfs its real magic number: what libblkid finds is finished.
    guard kind == .xfs else { return true }
    return try await run(.mount, device, "reading the superblock of \(device)") { () throws(SystemError) in
      try !DeviceContents.xfsIsInProgress(device)
    }
  }

  package func holders(of location: StoredVolume.Location) async throws(VolumeError) -> [String] {
    await pool(.table).run {
      switch location {
      case .device(let device): MountUsers.ofDevice(device)
      case .directory(let path): MountUsers.ofDirectory(path)
      }
    }
  }

  package func isHeld(_ device: String) async throws(VolumeError) -> Bool {
    try await run(.mount, device, "opening \(device)") { () throws(SystemError) in
      try BlockDevice.isHeldElsewhere(device)
    }
  }

  package func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError) {
    try await runTool(device, "making \(kind.rawValue) on \(device)", deadline) { [tools] flag throws(ToolError) in
      try tools.make(
        kind, on: device, identity: identity, extraArguments: options, deadline: deadline, cancellation: flag,
        progress: progress)
    }
    try await run(.tool, device, "flushing \(device)") { () throws(SystemError) in try BlockDevice.sync(device) }
  }

  package func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    guard kind == .ext4 else { return false }
    return try await run(.mount, device, "reading the superblock of \(device)") { () throws(SystemError) in
      try DeviceContents.ext4NeedsCheck(device)
    }
  }

  package func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    do throws(VolumeError) {
      try await runTool(device, "checking the ext4 on \(device)", deadline) { [tools] flag throws(ToolError) in
        try tools.repair(ext4: device, deadline: deadline, cancellation: flag, progress: progress)
      }
    } catch {
      // e2fsck(8): 4 is for errors that are left.
      guard let tool = error.cause as? ToolError, case .exited(let code)? = tool.status, code & 4 != 0 else {
        throw error
      }
      throw VolumeError(
        .unsafe,
        "\(device) has damage that e2fsck does not repair without being asked; it is not mounted. Look with e2fsck -fn "
          + "\(device), repair with e2fsck -f \(device), again until it finds nothing: \(tool)",
        cause: tool)
    }
  }

  package func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    try await runTool(device, "growing the \(kind.rawValue) on \(device)", deadline) { [tools] flag throws(ToolError) in
      try tools.grow(
        kind, device: device, mountPoint: mountPoint, deadline: deadline, cancellation: flag, progress: progress)
    }
  }

  package func mount(
    _ device: String, at path: String, kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    let (flags, data) = options.kernelForm
    try await run(.mount, device, "mounting \(device) (\(kind.rawValue)) at \(path)") { () throws(SystemError) in
      try Self.mountReplayed(kind, device) { () throws(SystemError) in
        try Mounting.mount(device: device, atPath: path, fileSystem: kind.rawValue, flags: flags, data: data)
        return path
      }
    }
  }

  package func mount(
    _ device: String, root: String, components: [String], kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError) {
    let (flags, data) = options.kernelForm
    try await run(.mount, device, "mounting \(device) (\(kind.rawValue)) at \(components.joined(separator: "/"))") {
      () throws(SystemError) in
      try Self.mountReplayed(kind, device) { () throws(SystemError) in
        let target = try SafePath.openDirectory(root: root, components: components)
        try Mounting.mount(device: device, at: target, fileSystem: kind.rawValue, flags: flags, data: data)
        return target.path
      }
    }
  }

  package func bind(
    _ source: String, root: String, components: [String], adding flags: MountFlags
  ) async throws(VolumeError) {
    do throws(SystemError) {
      try await pool(.table).run { [bindingDirectory] () throws(SystemError) in
        let target = try SafePath.openDirectory(root: root, components: components)
        try Mounting.bind(from: source, to: target, adding: flags, by: bindingDirectory)
      }
    } catch {
      throw Self.refusal(error, components)
    }
  }

  package func unmountAll(_ path: String) async throws(VolumeError) -> Int {
    guard let top = try await table().at(path).last else { return 0 }
    do throws(SystemError) {
      return try await pool(.unmount, top.source).run { () throws(SystemError) in
        try Mounting.unmountAllLayers(path)
      }
    } catch {
      guard error.errno == .busy else { throw VolumeError(error, during: "unmounting \(path)") }
      let users = await pool(.table).run { MountUsers.ofMountPoint(path) }
      throw VolumeError(
        .inUse,
        "\(path) cannot be unmounted, it is in use by "
          + (users.isEmpty ? "somebody whom fuser -vm \(path) may name" : users.joined(separator: ", "))
          + ". It is tried again when that has ended", cause: error)
    }
  }

  package func makeDirectory(_ path: String) async throws(VolumeError) {
    try await run("making \(path)") { () throws(SystemError) in try Files.makeDirectory(path, mode: 0o700) }
  }

  package func removeDirectory(_ path: String) async throws(VolumeError) {
    try await run("removing \(path)") { () throws(SystemError) in try Files.removeDirectory(path) }
  }

  package func directories(in path: String) async throws(VolumeError) -> [String] {
    try await run("listing \(path)") { () throws(SystemError) in
      Files.exists(path) ? try Files.list(path) : []
    }
  }
}

// MARK: - Helpers

extension LinuxNodeSystem {
  private func table() async throws(VolumeError) -> MountTable {
    try await run("reading the mount table") { () throws(SystemError) in try MountTable.current() }
  }

  private func run<Value: Sendable>(
    _ activity: String, _ body: @Sendable @escaping () throws(SystemError) -> Value
  ) async throws(VolumeError) -> Value {
    try await run(.table, nil, activity, body)
  }

  private func run<Value: Sendable>(
    _ work: Work, _ device: String?, _ activity: String,
    _ body: @Sendable @escaping () throws(SystemError) -> Value
  ) async throws(VolumeError) -> Value {
    do throws(SystemError) {
      return try await pool(work, device).run(body)
    } catch {
      throw VolumeError(error, during: activity)
    }
  }

  /// Runs a tool that ends with the task: the flag kills it when the task is cancelled.
  private func runTool(
    _ device: String, _ activity: String, _ deadline: Duration?,
    _ body: @Sendable @escaping (CancellationFlag) throws(ToolError) -> Void
  ) async throws(VolumeError) {
    let flag = CancellationFlag()
    let result: Result<Void, ToolError> = await withTaskCancellationHandler {
      await pool(.tool, device).run { () -> Result<Void, ToolError> in
        do throws(ToolError) { return .success(try body(flag)) } catch { return .failure(error) }
      }
    } onCancel: {
      flag.cancel()
    }
    if case .failure(let error) = result { throw VolumeError(error, during: activity, deadline: deadline) }
  }

  private static func refusal(_ error: SystemError, _ components: [String]) -> VolumeError {
    let path = components.joined(separator: "/")
    switch error.errno {
    case .loop, .notDirectory:
      return VolumeError(
        .unsafe,
        "\(quoted(path)) below kubelet's root is not a plain directory all the way (\(error)); nothing was done",
        cause: error)
    case .noEntry:
      return VolumeError(
        .notFound, "\(quoted(path)) below kubelet's root does not exist; kubelet makes it before it calls")
    default:
      return VolumeError(error, during: "opening \(quoted(path))")
    }
  }
}

extension MountOptions {
  /// The options as mount(2) takes them. Device nodes and set-uid programs never work on a volume.
  var kernelForm: (flags: MountFlags, data: String) {
    var flags: MountFlags = [.nodev, .nosuid]
    var data: [String] = []
    for option in options {
      if let flag = Self.flag(for: option) { flags.insert(flag) } else { data.append(option) }
    }
    return (flags, data.joined(separator: ","))
  }

  /// The options that a bind mount can have for itself.
  static let perMount = flags.filter { flag(for: $0).map { MountFlags.perMount.isSuperset(of: $0) } ?? false }.sorted()

  static func flag(for option: String) -> MountFlags? {
    switch option {
    case "noatime": .noatime
    case "nodiratime": .nodiratime
    case "relatime": .relatime
    case "strictatime": .strictatime
    case "lazytime": .lazytime
    case "noexec": .noexec
    case "sync": .synchronous
    case "dirsync": .dirsync
    case "nodev": .nodev
    case "nosuid": .nosuid
    default: nil
    }
  }
}

extension NodeContext {
  /// Requires that the engine's volumes can be mounted with these options. A directory is bound: what a bind mount has for
  /// itself is all that there is.
  ///
  /// - Throws: `invalid` naming the options.
  func requireHoldable(_ options: VolumeOptions) throws(VolumeError) {
    guard engine.kind == .directory else { return }
    let others = options.mountOptions.options.filter { option in
      MountOptions.flag(for: option).map { !MountFlags.perMount.isSuperset(of: $0) } ?? true
    }
    guard others.isEmpty else {
      throw VolumeError(
        .invalid,
        "mountOptions: \(others.map { quoted($0) }.joined(separator: ", ")) cannot be had with engine \"directory\", whose "
          + "volumes are no file systems of their own; allowed are \(MountOptions.perMount.joined(separator: " "))")
    }
  }
}

extension MountFlags {
  /// As mountinfo shows them. The kernel shows no word for strict access times.
  var optionNames: Set<String> {
    let names: [(MountFlags, String)] = [
      (.readOnly, "ro"), (.nosuid, "nosuid"), (.nodev, "nodev"), (.noexec, "noexec"), (.noatime, "noatime"),
      (.nodiratime, "nodiratime"), (.relatime, "relatime"),
    ]
    return Set(names.filter { contains($0.0) }.map(\.1))
  }
}

extension MountTable {
  /// Every mount of a volume. A device without a node is mounted nowhere that we could know of.
  fileprivate func mounts(of location: StoredVolume.Location) throws(SystemError) -> [MountEntry] {
    switch location {
    case .device(let device):
      guard Files.exists(device) else { return [] }
      return mounts(ofBlockDevice: try BlockDevice.number(of: device))
    case .directory(let directory):
      guard let identity = identity(ofDirectory: directory) else { return [] }
      return entries.filter { $0.device == identity.device && $0.root == identity.root }
    }
  }
}
