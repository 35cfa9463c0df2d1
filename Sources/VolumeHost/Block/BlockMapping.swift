/// Maps block devices to the places where pods and the kubelet look for them, as `volumepathhandler` and
/// `MapBlockVolume` of Kubernetes do. FlexVolume has no block volumes; this is for other plugins.
///
/// For each pod, the device's global directory has an entry: a bind mount of the device node. The entry keeps the
/// device known after its link has changed. The pod has a symbolic link to the device. A loop device on the entry holds
/// the device open, so that no other device can get its name. Every method can be repeated.
public struct BlockMapping: Sendable {
  private let files: any BlockFiles

  /// Creates mappings in a file system.
  public init(files: any BlockFiles) { self.files = files }

  /// The pod's link to a device, and the device's entry for the pod.
  public struct Places: Hashable, Sendable {
    /// The device's directory, see `BlockPaths.global(plugin:volume:)`.
    public var global: String
    /// The pod's directory of links, see `BlockPaths.podDirectory`.
    public var pod: String
    /// The volume's name, which is the name of the link.
    public var volume: String
    /// The pod's UID, which is the name of the entry.
    public var podUID: String

    /// Creates places from their parts.
    public init(global: String, pod: String, volume: String, podUID: String) {
      self.global = global
      self.pod = pod
      self.volume = volume
      self.podUID = podUID
    }

    var entry: String { "\(global)/\(podUID)" }
  }

  /// Maps a device for a pod: the global entry, the pod's link, then the lock. Returns the loop device that is the
  /// lock.
  ///
  /// - Throws: `.uncertain` if a step fails. The completed steps stay; `unmap` rolls them back. `.final` for a path or
  ///   name that is not valid.
  @discardableResult
  public func map(_ device: String, for places: Places) async throws(VolumeFailure) -> String {
    try check(device, places)
    return try await uncertain { () async throws(HostError) in
      try await bind(device, directory: places.global, name: places.podUID)
      try await link(device, directory: places.pod, name: places.volume)
      return try await files.attachLoop(to: places.entry)
    }
  }

  /// Removes a pod's mapping: the lock, the pod's link, then the global entry. Succeeds for parts that are missing.
  ///
  /// - Throws: `.uncertain` if a step fails; `.final` for a path or name that is not valid.
  public func unmap(_ places: Places) async throws(VolumeFailure) {
    try check("/dev", places)
    try await uncertain { () async throws(HostError) in
      try await unlock(places)
      try await files.removeFile(at: "\(places.pod)/\(places.volume)")
      try await removeEntry(places.entry)
    }
  }

  /// Returns the pods for which a device is mapped. The device is torn down only when there are none.
  ///
  /// - Throws: `.final` if the directory cannot be read.
  public func users(of global: String) async throws(VolumeFailure) -> [String] {
    do throws(HostError) {
      var users: [String] = []
      for name in try await files.names(in: global)
      where try await files.kind(of: "\(global)/\(name)") == .device { users.append(name) }
      return users
    } catch { throw VolumeFailure(error) }
  }

  /// Removes a device's global directory.
  ///
  /// - Throws: `.final` while a pod uses the device, or if the directory cannot be removed.
  public func removeGlobal(_ global: String) async throws(VolumeFailure) {
    let users = try await users(of: global)
    guard users.isEmpty else {
      throw .final("the device is in use when it was no longer expected to be in use: \(users.joined(separator: ", "))")
    }
    do throws(HostError) {
      for name in try await files.names(in: global) { try await files.removeFile(at: "\(global)/\(name)") }
      try await files.removeDirectory(global)
    } catch { throw VolumeFailure(error) }
  }
}

extension BlockMapping {
  private func check(_ device: String, _ places: Places) throws(VolumeFailure) {
    if device.isEmpty { throw .final("failed to map device to map path. devicePath is empty") }
    for path in [device, places.global, places.pod] where !path.hasPrefix("/") {
      throw .final("the map path should be absolute: map path: \(path)")
    }
    for name in [places.volume, places.podUID] where name.isEmpty || name.contains("/") || name == "." || name == ".." {
      throw .final("failed to map device to map path. link name is \"\(name)\"")
    }
  }

  private func uncertain<T: Sendable>(_ body: () async throws(HostError) -> T) async throws(VolumeFailure) -> T {
    do throws(HostError) { return try await body() } catch { throw .uncertain(error.description) }
  }

  /// Keeps an entry that is a device already. Reuses an existing file.
  private func bind(_ device: String, directory: String, name: String) async throws(HostError) {
    try await files.makeDirectory(directory)
    let path = "\(directory)/\(name)"
    if try await files.kind(of: path) == .device { return }
    try await files.makeFile(path)
    try await files.bind(device, to: path)
  }

  /// Replaces an existing link: after a reboot it names another device.
  private func link(_ device: String, directory: String, name: String) async throws(HostError) {
    try await files.makeDirectory(directory)
    let path = "\(directory)/\(name)"
    try await files.removeFile(at: path)
    try await files.makeLink(at: path, to: device)
  }

  /// Detaches the loop device unless another pod's entry uses it. The kernel identifies the device, not its entries, so
  /// entries can share a loop device.
  private func unlock(_ places: Places) async throws(HostError) {
    guard try await files.kind(of: places.entry) == .device, let loop = try await files.findLoop(on: places.entry)
    else { return }
    for name in try await files.names(in: places.global) where name != places.podUID {
      if try await files.findLoop(on: "\(places.global)/\(name)") == loop { return }
    }
    try await files.detachLoop(loop)
  }

  private func removeEntry(_ entry: String) async throws(HostError) {
    if try await files.kind(of: entry) == .device { try await files.unmount(entry) }
    try await files.removeFile(at: entry)
  }
}
