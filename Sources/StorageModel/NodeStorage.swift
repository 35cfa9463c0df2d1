/// The capacity of a node's storage, as its daemon reports it to the provisioner.
///
/// Only the provisioner gives out space. A node's free space is the reported capacity less the PVs that are pinned to
/// the node. So these values never include the space of a PV, and a late report does no harm as long as nobody else
/// takes space on the node.
package struct NodeStorage: Hashable, Sendable {
  /// The version of this form. A provisioner that does not know a node's version gives out no space there.
  package static let currentVersion = 1

  /// The capacity of one device class.
  package struct ClassCapacity: Hashable, Sendable {
    package var group: String
    /// Whether this is a thin pool; its bytes are then virtual.
    package var isThin: Bool
    /// Everything that could ever be given out.
    package var sizeBytes: UInt64
    /// Space that is not available to PVs pinned to this node: foreign volumes, the thin pool itself, volumes of ours
    /// without a PV.
    package var reservedBytes: UInt64
    /// The size of a volume is a multiple of this.
    package var extentBytes: UInt64

    package init(group: String, isThin: Bool, sizeBytes: UInt64, reservedBytes: UInt64, extentBytes: UInt64) {
      self.group = group
      self.isThin = isThin
      self.sizeBytes = sizeBytes
      self.reservedBytes = reservedBytes
      self.extentBytes = extentBytes
    }
  }

  package var version: Int
  package var node: String
  /// The group of volumes that name none.
  package var defaultGroup: String
  /// For volumes that name neither thick nor thin.
  package var isThinByDefault: Bool
  package var classes: [ClassCapacity]
  /// Volumes of PVs whose size is not known from the PV alone, because they have grown or are to grow. Nil from a
  /// daemon that does not report them.
  package var volumes: [String: Volume]?

  /// A volume's size, and the size that its PV requested when the daemon last checked.
  package struct Volume: Hashable, Sendable {
    /// The volume's size, without the bytes beyond its PV's request; those count as reserved.
    package var sizeBytes: UInt64
    package var requestedBytes: UInt64

    package init(sizeBytes: UInt64, requestedBytes: UInt64) {
      self.sizeBytes = sizeBytes
      self.requestedBytes = requestedBytes
    }
  }

  package init(node: String, defaultGroup: String, isThinByDefault: Bool, classes: [ClassCapacity]) {
    version = Self.currentVersion
    self.node = node
    self.defaultGroup = defaultGroup
    self.isThinByDefault = isThinByDefault
    self.classes = classes
  }
}
