/// A kind of volume. Further protocols add abilities.
///
/// Methods that throw throw a `VolumeFailure`, whose kind says what the caller may conclude.
public protocol VolumePlugin: Sendable {
  /// The qualified name, with at most one slash: `example.org/bind`. `kubernetes.io` is reserved for plugins of
  /// Kubernetes.
  var name: String { get }
  /// Returns a name that is the same for every spec of one device. Only called for a plugin that attaches or mounts
  /// devices. Throws if the name cannot be found.
  func volumeName(of spec: VolumeSpec) async throws(VolumeFailure) -> String
  /// Returns whether a volume is of this kind.
  func supports(_ spec: VolumeSpec) -> Bool
  /// Whether a mount must be repeated for a running pod.
  var requiresRemount: Bool { get }
  /// Whether `PV.spec.mountOptions` may be set.
  var supportsMountOptions: Bool { get }
  /// Whether one call can verify all volumes of many nodes, see `BulkVerifier`.
  var supportsBulkVerification: Bool { get }
  /// Returns the mounter of a volume for a pod. Throws if the volume cannot be mounted for it.
  func makeMounter(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any Mounter
  /// Returns the unmounter of a volume. After a restart only the names are known.
  func makeUnmounter(volume: String, podUID: String) -> any Unmounter
  /// Reconstructs a volume from its directory: for FlexVolume the driver and the name. Throws if that is not possible.
  func reconstruct(volume: String, podUID: String) async throws(VolumeFailure) -> VolumeSpec
}

/// A plugin whose volumes are attached to nodes.
public protocol AttachablePlugin: DeviceMountablePlugin {
  /// Returns the attacher.
  func makeAttacher() -> any Attacher
  /// Returns the detacher.
  func makeDetacher() -> any Detacher
  /// Returns whether this volume is attached at all.
  func canAttach(_ spec: VolumeSpec) -> Bool
}

/// A plugin whose volumes are mounted once per node before pods get them.
public protocol DeviceMountablePlugin: VolumePlugin {
  /// Returns the mounter of devices.
  func makeDeviceMounter() -> any DeviceMounter
  /// Returns the unmounter of devices.
  func makeDeviceUnmounter() -> any DeviceUnmounter
  /// Returns whether this volume's device is mounted at all.
  func canMountDevice(_ spec: VolumeSpec) -> Bool
  /// Returns the other mount points of the device. It is not unmounted while there are any. Throws if they cannot be
  /// read.
  func deviceMountReferences(_ path: String) async throws(VolumeFailure) -> [String]
}

/// A plugin for PVs.
public protocol PersistentPlugin: VolumePlugin {
  /// The access modes, for information only.
  var accessModes: [AccessMode] { get }
}

/// The number of nodes or pods that may use a volume.
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

/// A plugin whose volumes can grow by a call of the control plane.
public protocol ExpandablePlugin: VolumePlugin {
  /// Grows the volume and returns its size in bytes. Succeeds if it is large enough. Throws if the growth fails.
  func expandVolume(_ spec: VolumeSpec, device: String, to new: Int64, from old: Int64) async throws(VolumeFailure)
    -> Int64
  /// Whether the file system must then grow on the node.
  var requiresFileSystemResize: Bool { get }
}

/// A plugin whose file systems can grow by a call on the node.
public protocol NodeExpandablePlugin: VolumePlugin {
  /// Whether the plugin needs that call.
  var requiresFileSystemResize: Bool { get }
  /// Grows the file system. Succeeds if it is large enough. Throws if the growth fails.
  func expandFileSystem(_ expansion: NodeExpansion) async throws(VolumeFailure)
}

/// The growth of a file system.
public struct NodeExpansion: Hashable, Sendable {
  /// The volume.
  public var spec: VolumeSpec
  /// The device. Empty for a plugin that does not attach.
  public var device: String
  /// The mount point: the device's directory before pods have the volume, a pod's directory afterwards.
  public var directory: String
  /// The new size in bytes.
  public var new: Int64
  /// The old size in bytes.
  public var old: Int64

  /// Creates an expansion from its parts.
  public init(spec: VolumeSpec, device: String, directory: String, new: Int64, old: Int64) {
    self.spec = spec
    self.device = device
    self.directory = directory
    self.new = new
    self.old = old
  }
}

/// A plugin that provisions volumes.
public protocol ProvisionablePlugin: VolumePlugin {
  /// Returns the provisioner of a claim's volume. Throws if the request is not supported.
  func makeProvisioner(_ request: ProvisionRequest) async throws(VolumeFailure) -> any Provisioner
}

/// A plugin that deletes volumes.
public protocol DeletablePlugin: VolumePlugin {
  /// Returns the deleter of a PV's storage. Throws if the PV is not supported.
  func makeDeleter(_ spec: VolumeSpec) async throws(VolumeFailure) -> any Deleter
}

/// A plugin that wipes volumes for their next use.
public protocol RecyclablePlugin: VolumePlugin {
  /// Returns the recycler of a PV's storage. Throws if the PV is not supported.
  func makeRecycler(_ spec: VolumeSpec) async throws(VolumeFailure) -> any Recycler
}

/// A plugin with a limited number of volumes per node.
public protocol LimitedPlugin: VolumePlugin {
  /// Returns the limits by key. Throws if they are unknown on this node.
  func volumeLimits() async throws(VolumeFailure) -> [String: Int64]
  /// Returns the key whose limit the volume counts towards.
  func limitKey(_ spec: VolumeSpec) -> String
}

/// A plugin that provides block devices instead of directories. FlexVolume does not.
public protocol BlockPlugin: VolumePlugin {
  /// Returns the mapper of a volume for a pod. Throws if the volume cannot be mapped for it.
  func makeMapper(_ spec: VolumeSpec, pod: Pod) async throws(VolumeFailure) -> any BlockMapper
  /// Returns the unmapper of a pod's volume.
  func makeUnmapper(volume: String, podUID: String) -> any BlockUnmapper
}
