/// A loaded FlexVolume driver as a volume plugin.
///
/// There are two types, because a plugin must not have an ability that its driver does not announce: `FlexVolumePlugin`
/// mounts, `AttachableFlexVolumePlugin` also attaches.
public protocol FlexPlugin: PersistentPlugin, ExpandablePlugin, NodeExpandablePlugin {
  /// The common part of both types.
  var core: FlexCore { get }
}

/// A driver, its capabilities, and the node that it runs on.
public struct FlexCore: Sendable {
  /// The driver.
  public let driver: FlexDriver
  /// The capabilities that the driver announced.
  public let capabilities: DriverCapabilities
  /// The node.
  public let host: PluginHost
}

/// The plugin of a driver that announced `"attach": false`.
public struct FlexVolumePlugin: FlexPlugin {
  /// The driver and its node.
  public let core: FlexCore
}

/// The plugin of any other driver.
public struct AttachableFlexVolumePlugin: FlexPlugin, AttachablePlugin {
  /// The driver and its node.
  public let core: FlexCore
}

extension FlexCore {
  /// Calls `init` of a driver and creates the plugin for its capabilities.
  ///
  /// - Throws: `.final` if `init` fails, see ``FlexDriver/initialize()``.
  public static func load(_ driver: FlexDriver, on host: PluginHost) async throws(VolumeFailure) -> any FlexPlugin {
    let capabilities = try await driver.initialize()
    let core = FlexCore(driver: driver, capabilities: capabilities, host: host)
    return capabilities.attach ? AttachableFlexVolumePlugin(core: core) : FlexVolumePlugin(core: core)
  }

  /// Makes a call. Returns nil for `Not supported` and throws for every other failure.
  func call(_ call: DriverCall) async throws(VolumeFailure) -> DriverReply? {
    switch await driver.perform(call) {
    case .success(let reply): return reply
    case .notSupported: return nil
    case .failure(let reason): throw .final(reason)
    }
  }

  var calls: DriverCalls { driver.calls }

  /// Calls `getvolumename`. Returns the volume's own name, whatever the driver answers.
  func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String {
    _ = try await call(calls.getVolumeName(spec))
    return spec.name
  }

  func deviceMountPath(_ spec: VolumeSpec) async throws(VolumeFailure) -> String {
    host.paths.deviceMount(try await volumeName(of: spec), driver: driver.name)
  }
}

extension FlexPlugin {
  /// `vendor/driver`. From 1.7 to 1.15 `flexvolume-vendor/driver`.
  public var name: String { core.host.version.pluginNamePrefix + core.driver.name.description }
  /// Calls `getvolumename` and returns the volume's own name, whatever the driver answers. Throws `.final` if the call
  /// fails.
  public func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String {
    try await core.volumeName(of: spec)
  }
  /// Returns whether the source names this driver.
  public func supports(_ spec: VolumeSpec) -> Bool { spec.source.driver == core.driver.name.description }
  /// Always false.
  public var requiresRemount: Bool { false }
  /// Always false: a PV with mount options is rejected.
  public var supportsMountOptions: Bool { false }
  /// Always false: volumes are verified one by one.
  public var supportsBulkVerification: Bool { false }
  /// The access modes that FlexVolume announces.
  public var accessModes: [AccessMode] { [.readWriteOnce, .readOnlyMany] }
  /// The value that the driver announced.
  public var requiresFileSystemResize: Bool { core.capabilities.requiresFSResize }

  /// Returns the mounter that calls `mount`. Never throws.
  public func makeMounter(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any Mounter {
    FlexMounter(core: core, spec: spec, pod: pod)
  }
  /// Returns the unmounter that calls `unmount`.
  public func makeUnmounter(volume: String, podUID: String) -> any Unmounter {
    FlexUnmounter(core: core, volume: volume, podUID: podUID)
  }
  /// Returns an inline volume with a driver and a name. Options, type and the PV are unknown. Never throws.
  public func reconstruct(volume: String, podUID: String) async throws(VolumeFailure) -> VolumeSpec {
    .inline(volume, FlexSource(driver: core.driver.name.description))
  }

  /// Calls `expandvolume` and returns the requested size in bytes. Also succeeds if the driver does not have the
  /// command. Throws `.final` if the call fails.
  public func expandVolume(
    _ spec: VolumeSpec, device: String, to new: Int64, from old: Int64
  ) async throws(VolumeFailure) -> Int64 {
    if let call = core.calls.expandVolume(spec, device: device, to: new, from: old) { _ = try await core.call(call) }
    return new
  }

  /// Calls `expandfs`. If the driver does not have the command, the kubelet grows the file system, which needs a
  /// device.
  ///
  /// - Throws: `.final` for an inline volume, and if the call or the growth fails.
  public func expandFileSystem(_ expansion: NodeExpansion) async throws(VolumeFailure) {
    guard expansion.spec.isPersistent else {
      throw .final("PersistentVolume not found for spec: \(expansion.spec.name)")
    }
    let call = core.calls.expandFileSystem(
      expansion.spec, device: expansion.device, directory: expansion.directory, to: expansion.new, from: expansion.old)
    guard let call, try await core.call(call) == nil else { return }
    do throws(HostError) {
      try await core.host.files.growFileSystem(on: expansion.device, mountedAt: expansion.directory)
    } catch { throw VolumeFailure(error) }
  }
}

extension AttachableFlexVolumePlugin {
  /// Returns the attacher that calls `attach`, `isattached` and `waitforattach`.
  public func makeAttacher() -> any Attacher { FlexAttacher(core: core) }
  /// Returns the detacher that calls `detach`.
  public func makeDetacher() -> any Detacher { FlexDetacher(core: core) }
  /// Returns the mounter that calls `mountdevice`.
  public func makeDeviceMounter() -> any DeviceMounter { FlexAttacher(core: core) }
  /// Returns the unmounter that calls `unmountdevice`.
  public func makeDeviceUnmounter() -> any DeviceUnmounter { FlexDetacher(core: core) }
  /// Always true.
  public func canAttach(_ spec: VolumeSpec) -> Bool { true }
  /// Always true.
  public func canMountDevice(_ spec: VolumeSpec) -> Bool { true }
  /// Returns the other mount points of the same directory, also those made by others. Throws `.final` if the mount
  /// table cannot be read.
  public func deviceMountReferences(_ path: String) async throws(VolumeFailure) -> [String] {
    do throws(HostError) { return try await core.host.files.otherMounts(of: path) } catch { throw VolumeFailure(error) }
  }
}
