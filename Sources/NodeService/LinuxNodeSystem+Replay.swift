internal import LinuxSystem
internal import StorageModel

extension LinuxNodeSystem {
  /// Mounts a device. Mounts an XFS again if its journal contained a growth.
  ///
  /// Until Linux 6.13 (commit 4a201dcfa1ff, "xfs: update the pag for the last AG at recovery time") a mount that
  /// replays a growth continues with the old size of the last allocation group. It then takes used new space for
  /// damage, and shuts the file system down under its pods. If the journal itself uses the new space, the mount fails
  /// with `EUCLEAN`. The next mount reads the right size, and replays the rest, perhaps another growth. The superblock
  /// on the device shows whether a growth was replayed. Blocks. If it throws, nothing is mounted.
  ///
  /// - Parameter mount: mounts the device and returns the mount point.
  static func mountReplayed(
    _ kind: FileSystemKind, _ device: String, mount: () throws(SystemError) -> String
  ) throws(SystemError) {
    guard kind == .xfs else {
      _ = try mount()
      return
    }
    for _ in 0..<growthLimit {
      if try mountOnce(device, mount) { return }
    }
    _ = try mount()
  }

  /// More growths than any journal can contain.
  private static let growthLimit = 16

  /// - Returns: whether the device is mounted with its present size. If not, a growth was replayed and nothing is
  ///   mounted.
  private static func mountOnce(
    _ device: String, _ mount: () throws(SystemError) -> String
  ) throws(SystemError) -> Bool {
    let before = try DeviceContents.xfsBlocks(device)
    let path: String
    do throws(SystemError) {
      path = try mount()
    } catch {
      guard try DeviceContents.xfsBlocks(device) != before else { throw error }
      return false
    }
    do throws(SystemError) {
      if try DeviceContents.xfsBlocks(device) == before { return true }
    } catch {
      try Mounting.unmount(path)
      throw error
    }
    try Mounting.unmount(path)
    return false
  }
}
