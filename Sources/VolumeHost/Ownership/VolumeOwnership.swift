/// How the files of a volume get a pod's group.
public struct VolumeOwnership: Hashable, Sendable {
  /// The group.
  public var group: UInt32
  /// Whether a root that is as it should be ends the matter.
  public var policy: OwnershipPolicy
  /// Read access only: 0440 instead of 0660. For volumes that are mounted read-only by their container alone.
  public var readOnly: Bool
  /// Whether symbolic links get the group: since 1.22. Their permissions are never touched.
  public var includesLinks: Bool

  /// An ownership from its parts.
  public init(group: UInt32, policy: OwnershipPolicy = .always, readOnly: Bool = false, includesLinks: Bool = true) {
    self.group = group
    self.policy = policy
    self.readOnly = readOnly
    self.includesLinks = includesLinks
  }
}
