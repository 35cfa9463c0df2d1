/// A pod as far as its volumes are concerned.
public struct Pod: Hashable, Sendable {
  /// `metadata.name`.
  public var name: String
  /// `metadata.namespace`.
  public var namespace: String
  /// `metadata.uid`: its directory's name.
  public var uid: String
  /// The service account's name; may be empty.
  public var serviceAccount: String
  /// `securityContext.fsGroup`.
  public var group: UInt32?
  /// `securityContext.fsGroupChangePolicy`.
  public var groupPolicy: OwnershipPolicy?
  /// Its FlexVolumes, claims already resolved to PVs.
  public var volumes: [VolumeSpec]

  /// A pod from its parts.
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
  /// Only when the volume's root is not as it should be.
  case onRootMismatch = "OnRootMismatch"
}
