/// How the files of a volume get a pod's group.
public struct VolumeOwnership: Hashable, Sendable {
  /// The group.
  public var group: UInt32
  /// Whether the walk ends early if the root is as it should be.
  public var policy: OwnershipPolicy
  /// Grants read access only: 0440 instead of 0660. For volumes that only the container mounts read-only.
  public var readOnly: Bool
  /// Whether symbolic links get the group, as since 1.22. Their permissions never change.
  public var includesLinks: Bool

  /// Creates an ownership from its parts.
  public init(group: UInt32, policy: OwnershipPolicy = .always, readOnly: Bool = false, includesLinks: Bool = true) {
    self.group = group
    self.policy = policy
    self.readOnly = readOnly
    self.includesLinks = includesLinks
  }
}
