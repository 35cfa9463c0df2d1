internal import LinuxSystem
internal import StorageModel

extension LinuxNodeSystem {
  /// Mounts a device; an XFS whose growth was still in its journal is mounted a second time.
  ///
  /// Until Linux 6.13 (commit 4a201dcfa1ff, "xfs: update the pag for the last AG at recovery time") a mount that replays a
  /// growth goes on with the old size of the last allocation group: it takes what is used of the new space for damage, and
  /// shuts the file system down under its pods. The next mount reads the right size. Whether a growth was replayed shows in
  /// the superblock on the device. Blocks; when it throws nothing is mounted.
  ///
  /// - Parameter mount: mounts it and returns where.
  static func mountReplayed(
    _ kind: FileSystemKind, _ device: String, mount: () throws(SystemError) -> String
  ) throws(SystemError) {
    guard kind == .xfs else {
      _ = try mount()
      return
    }
    let before = try DeviceContents.xfsBlocks(device)
    let path = try mount()
    do throws(SystemError) {
      if try DeviceContents.xfsBlocks(device) == before { return }
    } catch {
      try Mounting.unmount(path)
      throw error
    }
    try Mounting.unmount(path)
    _ = try mount()
  }
}
