/// A pod with the fields that concern its volumes.
public struct Pod: Hashable, Sendable {
  /// `metadata.name`.
  public var name: String
  /// `metadata.namespace`.
  public var namespace: String
  /// `metadata.uid`, which is the name of the pod's directory.
  public var uid: String
  /// The name of the service account. May be empty.
  public var serviceAccount: String
  /// `securityContext.fsGroup`.
  public var group: UInt32?
  /// `securityContext.fsGroupChangePolicy`.
  public var groupPolicy: OwnershipPolicy?
  /// The pod's FlexVolumes. Claims are resolved to PVs.
  public var volumes: [VolumeSpec]

  /// Creates a pod from its parts.
  public init(
    name: String, namespace: String = "default", uid: String, serviceAccount: String = "default", group: UInt32? = nil,
    groupPolicy: OwnershipPolicy? = nil, volumes: [VolumeSpec]
  ) {
    self.name = name
    self.namespace = namespace
    self.uid = uid
    self.serviceAccount = serviceAccount
    self.group = group
    self.groupPolicy = groupPolicy
    self.volumes = volumes
  }
}

/// When a volume's files get the pod's group.
public enum OwnershipPolicy: String, Sendable {
  /// At every mount.
  case always = "Always"
  /// Only if the volume's root is not as it should be.
  case onRootMismatch = "OnRootMismatch"
}
