/// Makes block devices appear where pods and the kubelet look for them, as `volumepathhandler` and `MapBlockVolume` of
/// Kubernetes do. FlexVolume has no block volumes; this is for plugins of one's own.
///
/// A device has an entry for each pod in the global directory, a bind mount of its node, which keeps the device known after
/// its link has changed; the pod has a symbolic link. A loop device on the global entry holds the device open, so that no
/// other can take its name. Every method may be repeated.
public struct BlockMapping: Sendable {
  private let files: any BlockFiles

  /// Mappings in a file system.
  public init(files: any BlockFiles) { self.files = files }

  /// The pod's link to a device, and the device's entry for the pod.
  public struct Places: Hashable, Sendable {
    /// The device's directory: see `BlockPaths.global(plugin:volume:)`.
    public var global: String
    /// The pod's directory of links: see `BlockPaths.podDirectory`.
    public var pod: String
    /// The volume's name: the link's.
    public var volume: String
    /// The pod's UID: the entry's name.
    public var podUID: String

    /// Places from their parts.
    public init(global: String, pod: String, volume: String, podUID: String) {
      self.global = global
      self.pod = pod
      self.volume = volume
      self.podUID = podUID
    }

    var entry: String { "\(global)/\(podUID)" }
  }

  /// Maps a device for a pod: the global entry, the pod's link, then the lock. Returns the loop device that is the lock. A
  /// failure leaves what was done: it is `.uncertain`, and `unmap` takes it back.
  @discardableResult
  public func map(_ device: String, for places: Places) async throws(VolumeFailure) -> String {
    try check(device, places)
    return try await uncertain { () async throws(HostError) in
      try await bind(device, directory: places.global, name: places.podUID)
      try await link(device, directory: places.pod, name: places.volume)
      return try await files.attachLoop(to: places.entry)
    }
  }

  /// Takes a pod's mapping back: the lock, the pod's link, then the global entry. What is missing is success.
  public func unmap(_ places: Places) async throws(VolumeFailure) {
    try check("/dev", places)
    try await uncertain { () async throws(HostError) in
      try await unlock(places)
      try await files.removeFile(at: "\(places.pod)/\(places.volume)")
      try await release(places.entry)
    }
  }

  /// Pods for which a device is mapped. Until there is none it is not torn down.
  public func users(of global: String) async throws(VolumeFailure) -> [String] {
    do throws(HostError) {
      var users: [String] = []
      for name in try await files.names(in: global)
      where try await files.kind(of: "\(global)/\(name)") == .device { users.append(name) }
      return users
    } catch { throw VolumeFailure(error) }
  }

  /// Removes a device's global directory, once no pod uses it. Fails while one does.
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

  /// An entry that is a device already is left alone; a file that is there is used.
  private func bind(_ device: String, directory: String, name: String) async throws(HostError) {
    try await files.makeDirectory(directory)
    let path = "\(directory)/\(name)"
    if try await files.kind(of: path) == .device { return }
    try await files.makeFile(path)
    try await files.bind(device, to: path)
  }

  /// A link that is there goes first: after a reboot it names another device.
  private func link(_ device: String, directory: String, name: String) async throws(HostError) {
    try await files.makeDirectory(directory)
    let path = "\(directory)/\(name)"
    try await files.removeFile(at: path)
    try await files.makeLink(at: path, to: device)
  }

  /// The kernel knows a device, not its entries: another pod's entry may have the same loop device.
  private func unlock(_ places: Places) async throws(HostError) {
    guard try await files.kind(of: places.entry) == .device, let loop = try await files.findLoop(on: places.entry)
    else { return }
    for name in try await files.names(in: places.global) where name != places.podUID {
      if try await files.findLoop(on: "\(places.global)/\(name)") == loop { return }
    }
    try await files.detachLoop(loop)
  }

  private func release(_ entry: String) async throws(HostError) {
    if try await files.kind(of: entry) == .device { try await files.unmount(entry) }
    try await files.removeFile(at: entry)
  }
}
