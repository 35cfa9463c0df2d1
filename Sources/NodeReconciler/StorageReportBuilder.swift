internal import KubernetesAPI
internal import LogicalVolumes
internal import StorageLedger
internal import StorageModel

/// Builds a node's report from the state of its engine and its PVs.
struct StorageReportBuilder {
  let node: String
  let groups: [GroupCapacity]
  let isThinByDefault: Bool

  /// The volume of a PV of this node, and the booking that follows from the PV alone.
  typealias Entry = (volume: StoredVolume, booking: Booking)

  /// - Parameter volumes: the PVs of this node that have a volume.
  func storage(_ volumes: [Entry]) -> NodeStorage {
    var storage = NodeStorage(
      node: node, defaultGroup: groups.first?.group ?? "", isThinByDefault: isThinByDefault,
      classes: groups.flatMap { group in
        [thick(group, volumes)] + (group.thin.map { [thin(group, $0, volumes)] } ?? [])
      })
    storage.volumes = unusual(volumes)
    return storage
  }

  /// All used space counts as reserved, except the volumes of PVs, which the ledger counts.
  private func thick(_ group: GroupCapacity, _ volumes: [Entry]) -> NodeStorage.ClassCapacity {
    let taken = ByteCount(group.totalBytes) - ByteCount(group.thickFreeBytes)
    let counted = counted(volumes, in: group, thin: false)
    return NodeStorage.ClassCapacity(
      group: group.group, isThin: false, sizeBytes: group.totalBytes, reservedBytes: (taken - counted).bytes,
      extentBytes: group.extentBytes)
  }

  private func thin(_ group: GroupCapacity, _ pool: ThinPoolUse, _ volumes: [Entry]) -> NodeStorage.ClassCapacity {
    let counted = counted(volumes, in: group, thin: true)
    return NodeStorage.ClassCapacity(
      group: group.group, isThin: true, sizeBytes: pool.ceilingBytes,
      reservedBytes: (ByteCount(pool.virtualBytes) - counted).bytes, extentBytes: group.extentBytes)
  }

  private func counted(_ volumes: [Entry], in group: GroupCapacity, thin: Bool) -> ByteCount {
    volumes.reduce(.zero) { sum, entry in
      guard entry.volume.group == group.group, entry.volume.isThin == thin else { return sum }
      return sum + counted(entry, in: group)
    }
  }

  /// Space that a volume has beyond its PV's size is available to no other PV, so it stays reserved.
  private func counted(_ entry: Entry, in group: GroupCapacity) -> ByteCount {
    min(entry.volume.size, rounded(entry.booking.wanted, in: group))
  }

  private func rounded(_ size: ByteCount, in group: GroupCapacity) -> ByteCount {
    size.roundedUp(to: ByteCount(max(1, group.extentBytes))) ?? size
  }

  /// The sizes that cannot be known from the PVs. Only these are reported, so that the object stays small.
  private func unusual(_ volumes: [Entry]) -> [String: NodeStorage.Volume] {
    var result: [String: NodeStorage.Volume] = [:]
    for entry in volumes {
      guard let group = groups.first(where: { $0.group == entry.volume.group }) else { continue }
      let size = counted(entry, in: group)
      let isUsual = size <= rounded(entry.booking.size, in: group) && entry.booking.wanted <= entry.booking.size
      if isUsual { continue }
      result[entry.volume.name.text] = .init(sizeBytes: size.bytes, requestedBytes: entry.booking.wanted.bytes)
    }
    return result
  }
}
