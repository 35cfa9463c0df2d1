package import StorageModel

/// Space on one node that belongs to one PV.
package struct Booking: Hashable, Sendable {
  /// The hostname that the volume is pinned to.
  package var node: String
  /// The device class on the node, from the PV or by the node's default.
  package var place: DeviceClass
  /// The size at creation. If the node reports a larger size, the ledger counts that one.
  package var size: ByteCount
  /// The size that the PV requests now, never less than ``size``. Kubernetes writes it without a check for free space.
  package var wanted: ByteCount

  /// - Parameter wanted: nil for a volume that is not to grow.
  package init(node: String, place: DeviceClass = DeviceClass(), size: ByteCount, wanted: ByteCount? = nil) {
    self.node = node
    self.place = place
    self.size = size
    self.wanted = max(size, wanted ?? size)
  }
}

extension NodeStorage.ClassCapacity {
  /// The space that a volume of this size takes: whole extents.
  package func allocatedSize(for size: ByteCount) -> ByteCount {
    size.roundedUp(to: ByteCount(max(1, extentBytes))) ?? ByteCount(.max)
  }

  /// For messages.
  var description: String { isThin ? "the thin pool of volume group \"\(group)\"" : "volume group \"\(group)\"" }
}
