internal import LinuxSystem
package import StorageModel
internal import Synchronization

// Size and free space of each group.
extension LVMEngine {
  package nonisolated func capacity() async throws(VolumeError) -> [GroupCapacity] {
    try await catchUp()
    let states = knownGroups.withLock { $0 }
    let setbacks = setbacks.withLock { $0 }
    return options.groups.compactMap { capacity(of: $0, states[$0], setbacks[$0]?.trouble) }
  }

  /// Asks the kernel for the use and condition of the thin pool, at most every 10 seconds, because writing data does
  /// not change LVM's metadata.
  func refreshUse(of pool: VolumeName, in state: GroupState) throws(VolumeError) {
    guard poolTrouble(in: state) == nil else { return }
    let now = MonotonicClock.now()
    if let last = knownGroups.withLock({ $0[state.name]?.thinUse }), now - last.readAt < .seconds(10) { return }
    let result = try run(.poolUse(pool, in: state.name))
    guard result.succeeded else {
      // The thin pool may have been removed.
      _ = try reading(of: state.name)
      return
    }
    let row = try LVMReport(lines: result.report).rows.first ?? [:]
    let fill = KnownGroup.ThinFill(row, readAt: now)
    knownGroups.withLock { $0[state.name]?.thinUse = fill }
  }

  /// The capacity of a group. It has no free space while it has trouble, whatever was free when it was last read.
  private nonisolated func capacity(
    of group: VolumeGroupName, _ entry: KnownGroup?, _ setback: GroupTrouble?
  ) -> GroupCapacity? {
    guard let entry else { return setback.map { GroupCapacity(group: group.text, trouble: $0) } }
    var capacity = capacity(of: entry)
    if let trouble = setback ?? entry.state.hindrance {
      capacity.close(trouble)
    } else if let trouble = poolTrouble(in: entry.state) {
      capacity.trouble = trouble
      capacity.freeBytes = 0
    }
    return capacity
  }

  private nonisolated func capacity(of entry: KnownGroup) -> GroupCapacity {
    let state = entry.state
    let ours = state.volumes.values.filter { $0.marks != nil }
    var capacity = GroupCapacity(
      group: state.name.text, totalBytes: state.size.bytes, freeBytes: state.free.bytes,
      foreignBytes: (state.size - state.free - state.closed - state.ours).bytes,
      extentBytes: state.extentSize.bytes,
      volumes: ours.count, metadataFreeBytes: state.metadataFree.bytes,
      metadataTotalBytes: state.metadataSize.bytes)
    if let pool = options.thinPool, let found = state.volumes[pool.text] {
      let virtual = state.virtualSize(ofPool: pool.text)
      let ceiling = thinCeiling(of: found)
      capacity.thin = ThinPoolUse(
        pool: pool.text, sizeBytes: found.size.bytes, virtualBytes: virtual.bytes, ceilingBytes: ceiling.bytes,
        dataPercent: entry.thinUse?.data, metadataPercent: entry.thinUse?.metadata,
        complaint: entry.thinUse?.complaint)
      capacity.freeBytes = (ceiling - virtual).bytes
    }
    return capacity
  }

  nonisolated func thinCeiling(of pool: GroupState.Volume) -> ByteCount {
    ByteCount(UInt64(Double(pool.size.bytes) * options.thinOverprovision))
  }
}
