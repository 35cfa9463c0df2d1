internal import StorageModel

/// A thin pool is put together of two hidden volumes, which LVM activates first. If it is killed before it comes to the
/// pool itself they stay active, and from then on it refuses to activate the pool at all ("prohibited while logical
/// volume … is active"), until somebody deactivates them.
extension LVMEngine {
  /// Lets go of such parts. LVM refuses that while a pool uses them, and so it is harmless whatever the pool is doing.
  func deactivateStrayPoolParts(in state: GroupState) throws(VolumeError) {
    let pools = Set(state.volumes.values.filter { $0.marks != nil && $0.isThin }.map(\.pool))
      .union(options.thinPool.map { [$0.text] } ?? [])
    for pool in pools.sorted() {
      guard let found = state.volumes[pool], !isActive(pool: found, in: state) else { continue }
      _ = try run(.deactivatePartsOfPool(try VolumeName(pool), in: state.name))
    }
  }

  /// The pool's device is that of the layer under it, which its volumes use (lvm2 `lib/activate/dev_manager.c`).
  private func isActive(pool: GroupState.Volume, in state: GroupState) -> Bool {
    let path = DeviceMapperName.path(group: state.name.text, volume: pool.name) + "-tpool"
    return DeviceMapperName.deviceUUID(atPath: path)
      == DeviceMapperName.uuid(group: state.uuid, volume: pool.uuid) + "-tpool"
  }
}
