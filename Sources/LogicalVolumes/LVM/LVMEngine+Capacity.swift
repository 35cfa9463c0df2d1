internal import LinuxSystem
package import StorageModel
internal import Synchronization

// Size and room of each group.
extension LVMEngine {
  package nonisolated func capacity() async throws(VolumeError) -> [GroupCapacity] {
    try await catchUp()
    let pictures = knownGroups.withLock { $0 }
    let setbacks = setbacks.withLock { $0 }
    return options.groups.compactMap { capacity(of: $0, pictures[$0], setbacks[$0]?.trouble) }
  }

  /// Asks the kernel how full and how well the pool is, at most every 10 seconds: data is written without any change of
  /// metadata.
  func refreshUse(of pool: VolumeName, in picture: GroupPicture) throws(VolumeError) {
    guard poolTrouble(in: picture) == nil else { return }
    let now = MonotonicClock.now()
    if let last = knownGroups.withLock({ $0[picture.name]?.thinUse }), now - last.readAt < .seconds(10) { return }
    let result = try run(.poolUse(pool, in: picture.name))
    guard result.succeeded else {
      // Somebody may have removed it since.
      _ = try sight(of: picture.name)
      return
    }
    let row = try LVMReport(lines: result.report).rows.first ?? [:]
    let fill = KnownGroup.ThinFill(row, readAt: now)
    knownGroups.withLock { $0[picture.name]?.thinUse = fill }
  }

  /// What can be made in a group is nothing while something is wrong with it, whatever was free when it was last read.
  private nonisolated func capacity(
    of group: VolumeGroupName, _ entry: KnownGroup?, _ setback: GroupTrouble?
  ) -> GroupCapacity? {
    guard let entry else { return setback.map { GroupCapacity(group: group.text, trouble: $0) } }
    var capacity = capacity(of: entry)
    if let trouble = setback ?? entry.picture.hindrance {
      capacity.close(trouble)
    } else if let trouble = poolTrouble(in: entry.picture) {
      capacity.trouble = trouble
      capacity.freeBytes = 0
    }
    return capacity
  }

  private nonisolated func capacity(of entry: KnownGroup) -> GroupCapacity {
    let picture = entry.picture
    let ours = picture.volumes.values.filter { $0.marks != nil }
    var capacity = GroupCapacity(
      group: picture.name.text, totalBytes: picture.size.bytes, freeBytes: picture.free.bytes,
      foreignBytes: (picture.size - picture.free - picture.closed - picture.ours).bytes,
      extentBytes: picture.extentSize.bytes,
      volumes: ours.count, metadataFreeBytes: picture.metadataFree.bytes,
      metadataTotalBytes: picture.metadataSize.bytes)
    if let pool = options.thinPool, let found = picture.volumes[pool.text] {
      let virtual = picture.virtualSize(ofPool: pool.text)
      let ceiling = thinCeiling(of: found)
      capacity.thin = ThinPoolUse(
        pool: pool.text, sizeBytes: found.size.bytes, virtualBytes: virtual.bytes, ceilingBytes: ceiling.bytes,
        dataPercent: entry.thinUse?.data, metadataPercent: entry.thinUse?.metadata,
        complaint: entry.thinUse?.complaint)
      capacity.freeBytes = (ceiling - virtual).bytes
    }
    return capacity
  }

  nonisolated func thinCeiling(of pool: GroupPicture.Volume) -> ByteCount {
    ByteCount(UInt64(Double(pool.size.bytes) * options.thinOverprovision))
  }
}
