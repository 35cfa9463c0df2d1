package import LinuxSystem
package import LogicalVolumes
package import StorageModel

// Mounts: reading the mount table, mounting, unmounting.
extension LinuxNodeSystem {
  package func mountView(of volumes: [StoredVolume.Location]) async throws(VolumeError) -> MountView {
    try await run("reading the mount table") { () throws(SystemError) in
      let table = try MountTable.current()
      var mounts: [[MountEntry]] = []
      for location in volumes { mounts.append(try table.mounts(of: location)) }
      return MountView(table: table, volumes: mounts)
    }
  }

  package func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool {
    try await run("looking for mounts of \(directory)") { () throws(SystemError) in
      guard let identity = try MountTable.current().identity(ofDirectory: directory) else { return false }
      return try MountTable.ofAllNamespaces().contains { table in
        table.shows(identity)
      }
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
    guard let top = try await top(at: path) else { return 0 }
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
          + (users.isEmpty ? "a process that fuser -vm \(path) may show" : users.joined(separator: ", "))
          + ". Kubelet retries the unmount", cause: error)
    }
  }
}

extension MountTable {
  /// All mounts of a volume. A device without a node has no known mounts.
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
