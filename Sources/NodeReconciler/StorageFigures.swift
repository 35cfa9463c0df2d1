internal import KubernetesAPI
internal import LogicalVolumes
internal import StorageLedger
internal import StorageModel

/// What a node publishes, from what its engine and its PVs say.
struct StorageFigures {
  let node: String
  let groups: [GroupCapacity]
  let isThinByDefault: Bool

  /// - Parameter volumes: the volume of each PV of this node that has one, and the PV's size.
  func storage(_ volumes: [(volume: StoredVolume, size: ByteCount)]) -> NodeStorage {
    NodeStorage(
      node: node, defaultGroup: groups.first?.group ?? "", isThinByDefault: isThinByDefault,
      pools: groups.flatMap { group in
        [thick(group, volumes)] + (group.thin.map { [thin(group, $0, volumes)] } ?? [])
      })
  }

  /// Taken is taken, whoever it is by, but for the volumes of PVs, which the ledger counts.
  private func thick(
    _ group: GroupCapacity, _ volumes: [(volume: StoredVolume, size: ByteCount)]
  ) -> NodeStorage.Pool {
    let taken = ByteCount(group.totalBytes) - ByteCount(group.thickFreeBytes)
    let counted = counted(volumes, in: group, thin: false)
    return NodeStorage.Pool(
      group: group.group, isThin: false, sizeBytes: group.totalBytes, reservedBytes: (taken - counted).bytes,
      extentBytes: group.extentBytes)
  }

  private func thin(
    _ group: GroupCapacity, _ pool: ThinPoolUse, _ volumes: [(volume: StoredVolume, size: ByteCount)]
  ) -> NodeStorage.Pool {
    let counted = counted(volumes, in: group, thin: true)
    return NodeStorage.Pool(
      group: group.group, isThin: true, sizeBytes: pool.ceilingBytes,
      reservedBytes: (ByteCount(pool.virtualBytes) - counted).bytes, extentBytes: group.extentBytes)
  }

  /// What a volume has beyond its PV's size is nobody else's: it stays reserved.
  private func counted(
    _ volumes: [(volume: StoredVolume, size: ByteCount)], in group: GroupCapacity, thin: Bool
  ) -> ByteCount {
    volumes.reduce(.zero) { sum, entry in
      guard entry.volume.group == group.group, entry.volume.isThin == thin else { return sum }
      let booked = entry.size.roundedUp(to: ByteCount(max(1, group.extentBytes))) ?? entry.size
      return sum + min(entry.volume.size, booked)
    }
  }
}
