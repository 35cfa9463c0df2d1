/// What a kind of volume has to offer. Further protocols say what else it can do.
public protocol VolumePlugin: Sendable {
  /// Qualified, with one slash at most: `example.org/bind`. `kubernetes.io` is reserved for plugins of Kubernetes.
  var name: String { get }
  /// The same wherever the same device is meant. Only asked when the plugin attaches or mounts devices.
  func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String
  /// Whether a volume is of this kind.
  func supports(_ spec: VolumeSpec) -> Bool
  /// Whether a mount has to be repeated for a running pod.
  var requiresRemount: Bool { get }
  /// Whether `PV.spec.mountOptions` may be set.
  var supportsMountOptions: Bool { get }
  /// Whether one question can be asked about all volumes of many nodes: see `BulkVerifier`.
  var supportsBulkVerification: Bool { get }
  /// What mounts the volume for a pod.
  func makeMounter(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any Mounter
  /// What takes it down; names are all there is after a restart.
  func makeUnmounter(volume: String, podUID: String) -> any Unmounter
  /// A volume as good as its directory tells: for FlexVolume the driver and the name.
  func reconstruct(volume: String, podUID: String) async throws(VolumeFailure) -> VolumeSpec
}

/// A plugin whose volumes are attached to nodes.
public protocol AttachablePlugin: DeviceMountablePlugin {
  /// What attaches volumes.
  func makeAttacher() -> any Attacher
  /// What detaches them.
  func makeDetacher() -> any Detacher
  /// Whether this volume is attached at all.
  func canAttach(_ spec: VolumeSpec) -> Bool
}

/// A plugin whose volumes are mounted once per node before pods get them.
public protocol DeviceMountablePlugin: VolumePlugin {
  /// What mounts devices.
  func makeDeviceMounter() -> any DeviceMounter
  /// What takes them down.
  func makeDeviceUnmounter() -> any DeviceUnmounter
  /// Whether this volume's device is mounted at all.
  func canMountDevice(_ spec: VolumeSpec) -> Bool
  /// Where else the device is mounted: until nobody uses it, it is not unmounted.
  func deviceMountReferences(_ path: String) async throws(VolumeFailure) -> [String]
}

/// A plugin for PVs.
public protocol PersistentPlugin: VolumePlugin {
  /// For information only.
  var accessModes: [AccessMode] { get }
}

/// How many nodes may use a volume.
public enum AccessMode: String, Sendable {
  /// One node reads and writes.
  case readWriteOnce = "ReadWriteOnce"
  /// Many nodes read.
  case readOnlyMany = "ReadOnlyMany"
  /// Many nodes read and write.
  case readWriteMany = "ReadWriteMany"
  /// One pod reads and writes.
  case readWriteOncePod = "ReadWriteOncePod"
}

/// A plugin whose volumes can grow, by a call of the control plane.
public protocol ExpandablePlugin: VolumePlugin {
  /// Grows the volume and returns its size. One that is large enough is success.
  func expandVolume(_ spec: VolumeSpec, device: String, to new: Int64, from old: Int64) async throws(VolumeFailure)
    -> Int64
  /// Whether the file system has to grow on the node afterwards.
  var requiresFileSystemResize: Bool { get }
}

/// A plugin whose file systems can grow, by a call on the node.
public protocol NodeExpandablePlugin: VolumePlugin {
  /// Whether it wants that call.
  var requiresFileSystemResize: Bool { get }
  /// Grows the file system. One that is large enough is success.
  func expandFileSystem(_ expansion: NodeExpansion) async throws(VolumeFailure)
}

/// A file system that is to grow.
public struct NodeExpansion: Hashable, Sendable {
  /// Of this volume.
  public var spec: VolumeSpec
  /// On this device; empty for a plugin that does not attach.
  public var device: String
  /// Mounted here: the device's directory before pods have it, a pod's afterwards.
  public var directory: String
  /// To this size in bytes.
  public var new: Int64
  /// From this one.
  public var old: Int64

  /// An expansion from its parts.
  public init(spec: VolumeSpec, device: String, directory: String, new: Int64, old: Int64) {
    self.spec = spec
    self.device = device
    self.directory = directory
    self.new = new
    self.old = old
  }
}

/// A plugin that makes volumes.
public protocol ProvisionablePlugin: VolumePlugin {
  /// What makes the volume of a claim.
  func makeProvisioner(_ request: ProvisionRequest) async throws(VolumeFailure) -> any Provisioner
}

/// A plugin that removes volumes.
public protocol DeletablePlugin: VolumePlugin {
  /// What removes a PV's storage.
  func makeDeleter(_ spec: VolumeSpec) async throws(VolumeFailure) -> any Deleter
}

/// A plugin that wipes volumes for their next user.
public protocol RecyclablePlugin: VolumePlugin {
  /// What wipes a PV's storage.
  func makeRecycler(_ spec: VolumeSpec) async throws(VolumeFailure) -> any Recycler
}

/// A plugin that can have only so many volumes on a node.
public protocol LimitedPlugin: VolumePlugin {
  /// How many, by key; throws when that can not be said on this node.
  func volumeLimits() async throws(VolumeFailure) -> [String: Int64]
  /// The key that a volume counts for.
  func limitKey(_ spec: VolumeSpec) -> String
}

/// A plugin that hands out devices instead of directories. FlexVolume does not.
public protocol BlockPlugin: VolumePlugin {
  /// What makes a device appear for a pod.
  func makeMapper(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any BlockMapper
  /// What makes it go.
  func makeUnmapper(volume: String, podUID: String) -> any BlockUnmapper
}
