package import StorageModel

/// Room on one node that belongs to one PV.
package struct Booking: Hashable, Sendable {
  package var node: String
  /// Where on the node: what the PV names, or the node's default.
  package var place: Place
  /// What the volume was made with, or is to be made with. What the node has published counts where that is more.
  package var size: ByteCount
  /// What its PV asks for by now, never less than ``size``. Kubernetes writes it and asks nobody whether there is room.
  package var wanted: ByteCount

  /// A group, and whether thick or thin; nil where the node's own settings decide.
  package struct Place: Hashable, Sendable {
    package var group: String?
    package var isThin: Bool?

    package init(group: String? = nil, isThin: Bool? = nil) {
      self.group = group
      self.isThin = isThin
    }
  }

  /// - Parameter wanted: nil for a volume that is not to grow.
  package init(node: String, place: Place = Place(), size: ByteCount, wanted: ByteCount? = nil) {
    self.node = node
    self.place = place
    self.size = size
    self.wanted = max(size, wanted ?? size)
  }
}

extension NodeStorage {
  /// The pool that a volume at this place takes room of.
  package func pool(of place: Booking.Place) -> Pool? {
    let group = place.group ?? defaultGroup
    let isThin = place.isThin ?? isThinByDefault
    return pools.first { $0.group == group && $0.isThin == isThin }
  }
}

extension NodeStorage.Pool {
  /// What a volume really takes: whole extents.
  package func room(for size: ByteCount) -> ByteCount {
    size.roundedUp(to: ByteCount(max(1, extentBytes))) ?? ByteCount(.max)
  }

  /// For messages.
  var description: String { isThin ? "the thin pool of volume group \"\(group)\"" : "volume group \"\(group)\"" }
}
