/// A volume that a pod has or is to have.
public protocol Volume: Sendable {
  /// The directory where the pod finds the volume.
  var path: String { get }
  /// The provider of the volume's figures.
  var metrics: any MetricsProvider { get }
}

/// Mounts a volume for a pod.
public protocol Mounter: Volume {
  /// The attributes for the container runtime.
  var attributes: VolumeAttributes { get }
  /// Mounts the volume at `path`. Idempotent: a kubelet calls it again after a restart and whenever it is uncertain.
  ///
  /// Throws `.final` only if nothing is left behind, because no unmount may follow then.
  func setUp() async throws(VolumeFailure)
}

/// The attributes of a volume for the container runtime.
public struct VolumeAttributes: Hashable, Sendable {
  /// Whether the volume is mounted read-only.
  public var readOnly: Bool
  /// Whether the kubelet may change the owner and the label of its files.
  public var managed: Bool
  /// Whether the volume can have SELinux labels.
  public var supportsRelabel: Bool

  /// Creates attributes from their parts.
  public init(readOnly: Bool, managed: Bool, supportsRelabel: Bool) {
    self.readOnly = readOnly
    self.managed = managed
    self.supportsRelabel = supportsRelabel
  }
}

/// Unmounts a pod's volume.
public protocol Unmounter: Volume {
  /// Removes everything that `setUp` made. Idempotent; succeeds if there is nothing. Throws if something is left.
  func tearDown() async throws(VolumeFailure)
}

/// Attaches volumes to nodes. Called on the control plane, except for `waitForAttach`.
public protocol Attacher: DeviceMounter {
  /// Attaches a volume and returns its device, which may be empty. Idempotent. Throws if the attach fails.
  func attach(_ spec: VolumeSpec, node: String) async throws(VolumeFailure) -> String
  /// Returns which volumes are attached. Nil if the plugin does not know. Throws if the query fails.
  func areAttached(_ specs: [VolumeSpec], node: String) async throws(VolumeFailure) -> [VolumeSpec: Bool]?
  /// Waits for the device on the node and returns its path. Idempotent: it is called again after each restart. Throws
  /// if the device does not appear.
  func waitForAttach(_ spec: VolumeSpec, device: String) async throws(VolumeFailure) -> String
}

/// Detaches volumes. Called on the control plane.
public protocol Detacher: DeviceUnmounter {
  /// Detaches a volume by its name. Idempotent; succeeds if it is not attached. Throws if the detach fails.
  func detach(volume: String, node: String) async throws(VolumeFailure)
}

/// Mounts a device once for all pods of a node.
public protocol DeviceMounter: Sendable {
  /// Returns the directory to mount the device at. Throws if the volume's name cannot be found.
  func deviceMountPath(_ spec: VolumeSpec) async throws(VolumeFailure) -> String
  /// Mounts the device at `path`. Idempotent. Throws if the mount fails.
  func mountDevice(_ spec: VolumeSpec, device: String, at path: String) async throws(VolumeFailure)
}

/// Unmounts a device.
public protocol DeviceUnmounter: Sendable {
  /// Unmounts the device, once no pod uses it. Idempotent. Throws if the unmount fails.
  func unmountDevice(at path: String) async throws(VolumeFailure)
}

/// Provisions a volume for a claim.
public protocol Provisioner: Sendable {
  /// Waits until the volume exists and returns its PV, which satisfies the claim in size and access modes. Idempotent
  /// by the request's suggested name. Throws if the volume cannot be provisioned.
  func provision(selectedNode: String?) async throws(VolumeFailure) -> ProvisionedVolume
}

/// The requirements of a claim.
public struct ProvisionRequest: Hashable, Sendable {
  /// A unique name for the volume.
  public var suggestedName: String
  /// The minimum size in bytes.
  public var capacity: Int64
  /// The required access modes.
  public var accessModes: [AccessMode]
  /// The mount options of the storage class.
  public var mountOptions: [String]
  /// The parameters of the storage class. `fstype` is the file system.
  public var parameters: [String: String]

  /// Creates a request from its parts.
  public init(
    suggestedName: String, capacity: Int64, accessModes: [AccessMode] = [.readWriteOnce], mountOptions: [String] = [],
    parameters: [String: String] = [:]
  ) {
    self.suggestedName = suggestedName
    self.capacity = capacity
    self.accessModes = accessModes
    self.mountOptions = mountOptions
    self.parameters = parameters
  }
}

/// A provisioned volume.
public struct ProvisionedVolume: Hashable, Sendable {
  /// The volume, as pods will use it.
  public var spec: VolumeSpec
  /// The size in bytes, at least that of the request.
  public var capacity: Int64
  /// The access modes, at least those of the request.
  public var accessModes: [AccessMode]

  /// Creates a volume from its parts.
  public init(spec: VolumeSpec, capacity: Int64, accessModes: [AccessMode]) {
    self.spec = spec
    self.capacity = capacity
    self.accessModes = accessModes
  }

  /// Returns whether the volume satisfies the request.
  public func satisfies(_ request: ProvisionRequest) -> Bool {
    capacity >= request.capacity && Set(request.accessModes).isSubset(of: accessModes)
  }
}

/// Deletes a volume's storage.
public protocol Deleter: Sendable {
  /// Deletes the storage and returns when it is gone. Idempotent; succeeds if there is none. Throws `.transient` while
  /// the storage is in use: the PV is not marked failed, and the next sync retries.
  func delete() async throws(VolumeFailure)
}

/// Wipes a volume for its next use.
public protocol Recycler: Sendable {
  /// Wipes the volume and returns when it is empty. Idempotent. Throws if something is left.
  func recycle() async throws(VolumeFailure)
}

/// Maps a volume's device for a pod. The kubelet's part of that is `BlockMapping`.
public protocol BlockMapper: Sendable {
  /// Prepares the device on the node and returns its path. Throws if that fails.
  func setUpDevice() async throws(VolumeFailure) -> String
  /// Maps the device for the pod and returns its path. Every failure from here on is `.uncertain`.
  func mapPodDevice() async throws(VolumeFailure) -> String
}

/// Unmaps a pod's device.
public protocol BlockUnmapper: Sendable {
  /// Undoes `mapPodDevice`. Succeeds if the link is missing. Throws if something is left.
  func unmapPodDevice() async throws(VolumeFailure)
  /// Undoes `setUpDevice`. Throws if something is left.
  func tearDownDevice() async throws(VolumeFailure)
}

/// Reports for many nodes at once which volumes are attached.
public protocol BulkVerifier: VolumePlugin {
  /// Returns the state by node and volume. A volume missing from its node's answer counts as detached. If a node is
  /// missing or this throws, nothing changes.
  func verify(_ specs: [String: [VolumeSpec]]) async throws(VolumeFailure) -> [String: [VolumeSpec: Bool]]
}
