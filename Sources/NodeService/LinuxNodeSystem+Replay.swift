internal import LinuxSystem
internal import StorageModel

extension LinuxNodeSystem {
  /// Mounts a device; an XFS whose growth was still in its journal is mounted a second time.
  ///
  /// Until Linux 6.13 (commit 4a201dcfa1ff, "xfs: update the pag for the last AG at recovery time") a mount that replays a
  /// growth goes on with the old size of the last allocation group: it takes what is used of the new space for damage, and
  /// shuts the file system down under its pods. Where the journal itself uses the new space the mount fails, with
  /// `EUCLEAN`. The next mount reads the right size, and replays what is left. Whether a growth was replayed shows in the
  /// superblock on the device. Blocks; when it throws nothing is mounted.
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
    let path: String
    do throws(SystemError) {
      path = try mount()
    } catch {
      guard try DeviceContents.xfsBlocks(device) != before else { throw error }
      _ = try mount()
      return
    }
    let hasGrown: Bool
    do throws(SystemError) {
      hasGrown = try DeviceContents.xfsBlocks(device) != before
    } catch {
      try Mounting.unmount(path)
      throw error
    }
    guard hasGrown else { return }
    try Mounting.unmount(path)
    _ = try mount()
  }
}
