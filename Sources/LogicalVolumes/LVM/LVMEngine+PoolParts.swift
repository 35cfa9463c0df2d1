internal import StorageModel

/// Hidden parts of thin pools. A thin pool consists of two hidden volumes, which LVM activates first. If LVM is killed
/// before it activates the thin pool itself, they stay active. From then on LVM refuses to activate the thin pool
/// ("prohibited while logical volume … is active") until the parts are deactivated.
extension LVMEngine {
  /// Deactivates such parts. LVM refuses this while a thin pool uses them, so it is always harmless.
  func deactivateStrayPoolParts(in state: GroupState) throws(VolumeError) {
    let pools = Set(state.volumes.values.filter { $0.marks != nil && $0.isThin }.map(\.pool))
      .union(options.thinPool.map { [$0.text] } ?? [])
    for pool in pools.sorted() {
      guard let found = state.volumes[pool], !isActive(pool: found, in: state) else { continue }
      _ = try run(.deactivatePartsOfPool(try VolumeName(pool), in: state.name))
    }
  }

  /// The thin pool's device is that of its lower layer, which its volumes use (lvm2 `lib/activate/dev_manager.c`).
  private func isActive(pool: GroupState.Volume, in state: GroupState) -> Bool {
    let path = DeviceMapperName.path(group: state.name.text, volume: pool.name) + "-tpool"
    return DeviceMapperName.deviceUUID(atPath: path)
      == DeviceMapperName.uuid(group: state.uuid, volume: pool.uuid) + "-tpool"
  }
}
