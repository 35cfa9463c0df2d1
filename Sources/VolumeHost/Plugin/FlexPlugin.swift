/// A loaded FlexVolume driver as a volume plugin.
///
/// Two types have it, since what a driver does not announce its plugin must not have: `FlexVolumePlugin` mounts,
/// `AttachableFlexVolumePlugin` attaches as well.
public protocol FlexPlugin: PersistentPlugin, ExpandablePlugin, NodeExpandablePlugin {
  /// What both are made of.
  var core: FlexCore { get }
}

/// A driver, what it said about itself, and the node it runs on.
public struct FlexCore: Sendable {
  /// The driver.
  public let driver: FlexDriver
  /// What it announced.
  public let capabilities: DriverCapabilities
  /// Where it runs.
  public let host: PluginHost
}

/// A driver that said `"attach": false`.
public struct FlexVolumePlugin: FlexPlugin {
  /// The driver and its surroundings.
  public let core: FlexCore
}

/// A driver that did not.
public struct AttachableFlexVolumePlugin: FlexPlugin, AttachablePlugin {
  /// The driver and its surroundings.
  public let core: FlexCore
}

extension FlexCore {
  /// Asks a driver what it can do and makes the plugin that it deserves.
  public static func load(_ driver: FlexDriver, on host: PluginHost) async throws(VolumeFailure) -> any FlexPlugin {
    let capabilities = try await driver.initialize()
    let core = FlexCore(driver: driver, capabilities: capabilities, host: host)
    return capabilities.attach ? AttachableFlexVolumePlugin(core: core) : FlexVolumePlugin(core: core)
  }

  /// Makes a call and turns everything but success and `Not supported` (nil) into an error.
  func call(_ call: DriverCall) async throws(VolumeFailure) -> DriverReply? {
    switch await driver.perform(call) {
    case .success(let reply): return reply
    case .notSupported: return nil
    case .failure(let reason): throw .final(reason)
    }
  }

  var calls: DriverCalls { driver.calls }

  /// Asks for the volume's name. Whatever the driver answers, it is the volume's own.
  func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String {
    _ = try await call(calls.getVolumeName(spec))
    return spec.name
  }

  func deviceMountPath(_ spec: VolumeSpec) async throws(VolumeFailure) -> String {
    host.paths.deviceMount(try await volumeName(of: spec), driver: driver.name)
  }
}

extension FlexPlugin {
  /// `vendor/driver`; from 1.7 to 1.15 `flexvolume-vendor/driver`.
  public var name: String { core.host.version.pluginNamePrefix + core.driver.name.description }
  /// Asks the driver, and uses the volume's own name whatever it answers.
  public func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String {
    try await core.volumeName(of: spec)
  }
  /// Whether the source names this driver.
  public func supports(_ spec: VolumeSpec) -> Bool { spec.source.driver == core.driver.name.description }
  /// Never.
  public var requiresRemount: Bool { false }
  /// Never: a PV with mount options is refused.
  public var supportsMountOptions: Bool { false }
  /// Never: volumes are verified one by one.
  public var supportsBulkVerification: Bool { false }
  /// What FlexVolume says of itself.
  public var accessModes: [AccessMode] { [.readWriteOnce, .readOnlyMany] }
  /// As announced.
  public var requiresFileSystemResize: Bool { core.capabilities.requiresFSResize }

  /// What sends `mount`.
  public func makeMounter(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any Mounter {
    FlexMounter(core: core, spec: spec, pod: pod)
  }
  /// What sends `unmount`.
  public func makeUnmounter(volume: String, podUID: String) -> any Unmounter {
    FlexUnmounter(core: core, volume: volume, podUID: podUID)
  }
  /// An inline volume with a driver and a name; options, type and the PV are forgotten.
  public func reconstruct(volume: String, podUID: String) async throws(VolumeFailure) -> VolumeSpec {
    .inline(volume, FlexSource(driver: core.driver.name.description))
  }

  /// `expandvolume`; success with the size asked for where the driver has no such command.
  public func expandVolume(
    _ spec: VolumeSpec, device: String, to new: Int64, from old: Int64
  ) async throws(VolumeFailure) -> Int64 {
    if let call = core.calls.expandVolume(spec, device: device, to: new, from: old) { _ = try await core.call(call) }
    return new
  }

  /// `expandfs`; the kubelet's own resizing where the driver has no such command, which needs a device.
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
  /// What sends `attach`, `isattached` and `waitforattach`.
  public func makeAttacher() -> any Attacher { FlexAttacher(core: core) }
  /// What sends `detach`.
  public func makeDetacher() -> any Detacher { FlexDetacher(core: core) }
  /// What sends `mountdevice`.
  public func makeDeviceMounter() -> any DeviceMounter { FlexAttacher(core: core) }
  /// What sends `unmountdevice`.
  public func makeDeviceUnmounter() -> any DeviceUnmounter { FlexDetacher(core: core) }
  /// Always.
  public func canAttach(_ spec: VolumeSpec) -> Bool { true }
  /// Always.
  public func canMountDevice(_ spec: VolumeSpec) -> Bool { true }
  /// Other mounts of the same thing, whoever made them.
  public func deviceMountReferences(_ path: String) async throws(VolumeFailure) -> [String] {
    do throws(HostError) { return try await core.host.files.otherMounts(of: path) } catch { throw VolumeFailure(error) }
  }
}
