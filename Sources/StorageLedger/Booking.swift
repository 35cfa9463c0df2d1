package import StorageModel

/// Space on one node that belongs to one PV.
package struct Booking: Hashable, Sendable {
  package var node: String
  /// Where on the node: what the PV names, or the node's default.
  package var place: DeviceClass
  /// What the volume was made with, or is to be made with. What the node has reported counts where that is more.
  package var size: ByteCount
  /// What its PV asks for by now, never less than ``size``. Kubernetes writes it and asks nobody whether there is space.
  package var wanted: ByteCount

  /// - Parameter wanted: nil for a volume that is not to grow.
  package init(node: String, place: DeviceClass = DeviceClass(), size: ByteCount, wanted: ByteCount? = nil) {
    self.node = node
    self.place = place
    self.size = size
    self.wanted = max(size, wanted ?? size)
  }
}

extension NodeStorage.Pool {
  /// What a volume really takes: whole extents.
  package func allocatedSize(for size: ByteCount) -> ByteCount {
    size.roundedUp(to: ByteCount(max(1, extentBytes))) ?? ByteCount(.max)
  }

  /// For messages.
  var description: String { isThin ? "the thin pool of volume group \"\(group)\"" : "volume group \"\(group)\"" }
}
