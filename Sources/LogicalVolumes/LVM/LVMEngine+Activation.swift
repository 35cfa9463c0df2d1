internal import LinuxSystem
package import StorageModel

// Making devices available and writable.
extension LVMEngine {
  package func activate(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    let (state, found) = try require(volume)
    let current = try requireStored(found, in: state)
    if current.isActive {
      try requireWritable(current, in: state)
      return .unchanged(current)
    }
    let result = try run(.activate(volume.name, in: state.name))
    guard result.succeeded else {
      if found.isThin, result.saysNoThinDevice { throw Self.unknownToPool(volume, found.pool) }
      if let trouble = state.changeHindrance { throw trouble.error.during("activating volume \(volume.name)") }
      throw result.failure("activating volume \(volume.name) in \(state.name)")
    }
    if stored(found, in: state)?.isActive != true { _ = try run(.makeNodes(in: state.name)) }
    let activated = try requireStored(found, in: state)
    guard activated.isActive else {
      let device = DeviceMapperName.uuid(group: state.uuid, volume: found.uuid)
      guard DeviceMapperName.exists(device) else {
        throw VolumeError(
          .unavailable, "volume \(volume.name) in \(state.name) is not active: \(Self.leftOutByVolumeList)")
      }
      throw VolumeError(
        .unavailable,
        "volume \(volume.name) is active but its device node \(DeviceMapperName.path(group: state.name.text, volume: found.name)) "
          + "does not appear; is /dev shared with the host?")
    }
    try requireWritable(activated, in: state)
    return .changed(activated)
  }

  /// The cause of an inactive volume. LVM does not report it when it activates such a volume.
  static let leftOutByVolumeList =
    "activation/volume_list of lvm.conf excludes it; add the group, or @\(VolumeTags.product), to that list"

  /// Requires a writable device. LVM does not report a read-only one either.
  func requireWritable(_ volume: StoredVolume, in state: GroupState) throws(VolumeError) {
    guard case .device(let path) = volume.location, let number = try? BlockDevice.number(of: path),
      BlockDevice.isReadOnly(number)
    else { return }  // without a number there is no device
    let result = try run(.permissions(volume.name, in: state.name))
    let permissions = try LVMReport(lines: result.report).rows.first?["lv_permissions"]
    let cause =
      permissions == "read-only-override"
      ? "activation/read_only_volume_list of lvm.conf names it; take it off that list and deactivate it (lvchange -an)"
      : "LVM has it so (\(permissions ?? "unknown")); lvchange -prw \(state.name)/\(volume.name) makes it writable"
    throw VolumeError(.unavailable, "volume \(volume.name) in \(state.name) is read-only: \(cause)")
  }

  private static func unknownToPool(_ volume: StoredVolume, _ pool: String) -> VolumeError {
    VolumeError(
      .notFound,
      "thin pool \(volume.group)/\(pool) knows nothing of volume \(volume.name), which is in LVM's metadata: its creation was "
        + "interrupted, or the pool's own metadata were lost. If it never had data, remove it with elastic-local-node "
        + "remove \(volume.name); otherwise see lvconvert --repair")
  }
}
