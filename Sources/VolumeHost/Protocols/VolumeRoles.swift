/// A volume that a pod has, or is to have.
public protocol Volume: Sendable {
  /// Where the pod finds it.
  var path: String { get }
  /// What its figures come from.
  var metrics: any MetricsProvider { get }
}

/// Mounts a volume for a pod.
public protocol Mounter: Volume {
  /// What the container runtime has to know.
  var attributes: VolumeAttributes { get }
  /// Mounts it at `path`. Idempotent: a kubelet calls it again after a restart and whenever it is in doubt.
  ///
  /// Throws `.final` only when nothing is left behind: no unmount may ever follow.
  func setUp() async throws(VolumeFailure)
}

/// What a container runtime has to know about a volume.
public struct VolumeAttributes: Hashable, Sendable {
  /// Mounted for reading only.
  public var readOnly: Bool
  /// The kubelet may change its files' owner and label.
  public var managed: Bool
  /// It can carry SELinux labels.
  public var supportsRelabel: Bool

  /// Attributes from their parts.
  public init(readOnly: Bool, managed: Bool, supportsRelabel: Bool) {
    self.readOnly = readOnly
    self.managed = managed
    self.supportsRelabel = supportsRelabel
  }
}

/// Takes a pod's volume down.
public protocol Unmounter: Volume {
  /// Removes every trace of `setUp`. Idempotent; success when there is none.
  func tearDown() async throws(VolumeFailure)
}

/// Attaches volumes to nodes. Called on the control plane, but for `waitForAttach`.
public protocol Attacher: DeviceMounter {
  /// Attaches a volume and returns its device, possibly empty. Idempotent.
  func attach(_ spec: VolumeSpec, node: String) async throws(VolumeFailure) -> String
  /// Which volumes are attached; nil when the plugin can not say.
  func areAttached(_ specs: [VolumeSpec], node: String) async throws(VolumeFailure) -> [VolumeSpec: Bool]?
  /// Waits for the device on the node and returns its path. Idempotent: called again after each restart.
  func waitForAttach(_ spec: VolumeSpec, device: String) async throws(VolumeFailure) -> String
}

/// Detaches volumes. Called on the control plane.
public protocol Detacher: DeviceUnmounter {
  /// Detaches a volume by its name. Idempotent; success when it is not attached.
  func detach(volume: String, node: String) async throws(VolumeFailure)
}

/// Mounts a device once for all pods of a node.
public protocol DeviceMounter: Sendable {
  /// Where.
  func deviceMountPath(_ spec: VolumeSpec) async throws(VolumeFailure) -> String
  /// Mounts it there. Idempotent.
  func mountDevice(_ spec: VolumeSpec, device: String, at path: String) async throws(VolumeFailure)
}

/// Takes a device's mount down.
public protocol DeviceUnmounter: Sendable {
  /// Called once no pod uses it. Idempotent.
  func unmountDevice(at path: String) async throws(VolumeFailure)
}

/// Makes a volume for a claim.
public protocol Provisioner: Sendable {
  /// Blocks until the volume exists, and returns its PV, which satisfies the claim in size and access modes. Idempotent by
  /// the request's suggested name.
  func provision(selectedNode: String?) async throws(VolumeFailure) -> ProvisionedVolume
}

/// What a claim wants.
public struct ProvisionRequest: Hashable, Sendable {
  /// A name that no other volume has.
  public var suggestedName: String
  /// The least size in bytes.
  public var capacity: Int64
  /// All of them.
  public var accessModes: [AccessMode]
  /// The storage class's.
  public var mountOptions: [String]
  /// The storage class's; `fstype` names the file system.
  public var parameters: [String: String]

  /// A request from its parts.
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

/// A volume that has been made.
public struct ProvisionedVolume: Hashable, Sendable {
  /// As pods will use it.
  public var spec: VolumeSpec
  /// Its size in bytes: at least the request's.
  public var capacity: Int64
  /// At least the request's.
  public var accessModes: [AccessMode]

  /// A volume from its parts.
  public init(spec: VolumeSpec, capacity: Int64, accessModes: [AccessMode]) {
    self.spec = spec
    self.capacity = capacity
    self.accessModes = accessModes
  }

  /// Whether it is what was asked for.
  public func satisfies(_ request: ProvisionRequest) -> Bool {
    capacity >= request.capacity && Set(request.accessModes).isSubset(of: accessModes)
  }
}

/// Removes a volume's storage.
public protocol Deleter: Sendable {
  /// Blocks until it is gone. Idempotent; success when there is none. Throws `.transient` while it is in use: the PV is not
  /// marked failed and the next sync tries again.
  func delete() async throws(VolumeFailure)
}

/// Wipes a volume for its next user.
public protocol Recycler: Sendable {
  /// Blocks until nothing is left in it. Idempotent.
  func recycle() async throws(VolumeFailure)
}

/// Makes a volume's device appear for a pod; the kubelet's part of that is `BlockMapping`.
public protocol BlockMapper: Sendable {
  /// Prepares the device on the node.
  func setUpDevice() async throws(VolumeFailure) -> String
  /// Makes it appear for the pod. From here on every failure is `.uncertain`.
  func mapPodDevice() async throws(VolumeFailure) -> String
}

/// Makes a pod's device go.
public protocol BlockUnmapper: Sendable {
  /// Undoes `mapPodDevice`. A missing link is success.
  func unmapPodDevice() async throws(VolumeFailure)
  /// Undoes `setUpDevice`.
  func tearDownDevice() async throws(VolumeFailure)
}

/// Tells for many nodes at once which volumes are attached.
public protocol BulkVerifier: VolumePlugin {
  /// By node and volume. What is missing of a node counts as detached; a node that is missing, or an error, changes nothing.
  func verify(_ specs: [String: [VolumeSpec]]) async throws(VolumeFailure) -> [String: [VolumeSpec: Bool]]
}
