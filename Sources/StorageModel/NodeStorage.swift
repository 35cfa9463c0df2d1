/// What a node's storage can hold, as its daemon reports it for the provisioner.
///
/// The provisioner alone hands out space: a node's free space is what is reported here, less the PVs that are pinned to the
/// node. So the figures here never count what belongs to a PV, and can be old without harm as long as nobody else takes
/// space on the node.
package struct NodeStorage: Hashable, Sendable {
  /// Of this form. A provisioner that does not know it takes the node as one without space.
  package static let currentVersion = 1

  /// Space of one kind in one group.
  package struct Pool: Hashable, Sendable {
    package var group: String
    /// Whether the space is a thin pool's, in virtual bytes.
    package var isThin: Bool
    /// All that could ever be handed out.
    package var sizeBytes: UInt64
    /// What is taken by anything but the volumes of PVs that are pinned to this node: foreign volumes, the thin pool
    /// itself, volumes of ours without a PV.
    package var reservedBytes: UInt64
    /// Volumes are multiples of this.
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
  /// For volumes that name no group.
  package var defaultGroup: String
  /// For volumes that do not say.
  package var isThinByDefault: Bool
  package var pools: [Pool]
  /// PVs' volumes whose size cannot be known from their PV alone: they have grown, or are to grow. Nil from a daemon that does
  /// not report them.
  package var volumes: [String: Volume]?

  /// A volume's size, and what its PV wanted when the node looked.
  package struct Volume: Hashable, Sendable {
    /// What it has, without what it may have beyond what its PV wants: that is reserved.
    package var sizeBytes: UInt64
    package var wantedBytes: UInt64

    package init(sizeBytes: UInt64, wantedBytes: UInt64) {
      self.sizeBytes = sizeBytes
      self.wantedBytes = wantedBytes
    }
  }

  package init(node: String, defaultGroup: String, isThinByDefault: Bool, pools: [Pool]) {
    version = Self.currentVersion
    self.node = node
    self.defaultGroup = defaultGroup
    self.isThinByDefault = isThinByDefault
    self.pools = pools
  }
}
