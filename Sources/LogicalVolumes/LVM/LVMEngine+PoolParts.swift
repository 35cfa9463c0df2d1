internal import LinuxSystem
internal import StorageModel

/// Hidden parts of thin pools. A thin pool consists of two hidden volumes, which LVM activates first. If LVM is killed
/// before it activates the thin pool itself, they stay active. From then on LVM refuses to activate the thin pool
/// ("prohibited while logical volume … is active") until the parts are deactivated.
extension LVMEngine {
  /// Deactivates such parts. LVM refuses this while a thin pool uses them, so it is always harmless.
  func deactivateStrayPoolParts(in state: GroupState) throws(VolumeError) {
    for pool in pools(in: state) where !isActive(pool, in: state) {
      _ = try run(.deactivatePartsOfPool(try VolumeName(pool.name), in: state.name))
    }
  }

  /// Resumes what a command that was killed has left suspended: the origin of a clone, a volume that was growing, or a thin
  /// pool. Reads and writes of a suspended device do not end, and its file system is frozen. LVM resumes a volume when
  /// it activates it, but a thin pool only when it loads its table again.
  ///
  /// A command of another program that has suspended a device holds the group's lock until it has resumed it.
  func resumeSuspended(in state: GroupState) throws(VolumeError) {
    for pool in pools(in: state) where isSuspended(poolPath(pool, in: state)) {
      _ = try run(.refresh(try VolumeName(pool.name), in: state.name))
    }
    let isAnySuspended = state.volumes.values.contains { volume in
      volume.marks != nil && isSuspended(DeviceMapperName.path(group: state.name.text, volume: volume.name))
    }
    if isAnySuspended { _ = try run(.activateOurs(in: state.name)) }
  }

  /// The thin pools of our volumes, and the one for new volumes.
  private func pools(in state: GroupState) -> [GroupState.Volume] {
    let names = Set(state.volumes.values.filter { $0.marks != nil && $0.isThin }.map(\.pool))
      .union(options.thinPool.map { [$0.text] } ?? [])
    return names.sorted().compactMap { state.volumes[$0] }
  }

  private func isActive(_ pool: GroupState.Volume, in state: GroupState) -> Bool {
    DeviceMapperName.deviceUUID(atPath: poolPath(pool, in: state))
      == DeviceMapperName.uuid(group: state.uuid, volume: pool.uuid) + "-tpool"
  }

  /// The thin pool's device is that of its lower layer, which its volumes use (lvm2 `lib/activate/dev_manager.c`).
  private func poolPath(_ pool: GroupState.Volume, in state: GroupState) -> String {
    DeviceMapperName.path(group: state.name.text, volume: pool.name) + "-tpool"
  }

  private func isSuspended(_ path: String) -> Bool {
    // A device without a node is not active.
    guard let number = try? BlockDevice.number(of: path) else { return false }
    return BlockDevice.isSuspended(number)
  }
}
