internal import CLinux
internal import Glibc
package import StorageModel

/// A file system that was copied block by block to another device, and what it needs to be another one.
///
/// The tools of the file systems do the same (`tune2fs -U`, `xfs_admin -U`, `btrfstune -m`). They rewrite more than the
/// superblock, as `xfs_admin` does with the whole journal, and some leave a file system that cannot be mounted when they
/// are killed. Here each step writes one superblock, or is a transaction of the kernel. All functions block for the device.
package enum FileSystemCopy {
  /// Whether the copy must be mounted and unmounted before ``identify(_:on:mountedAt:as:)``. An ext4 must if its journal
  /// is not empty, because the journal may hold the superblock. An XFS is identified while it is mounted.
  ///
  /// - Throws: `EINVAL` if there is no such file system; otherwise the error of the read.
  package static func needsMount(_ kind: FileSystemKind, on path: String) throws(SystemError) -> Bool {
    switch kind {
    case .ext4: try Ext4Superblock(at: path).hasJournalToReplay
    case .xfs: true
    case .btrfs: false
    }
  }

  /// Makes the copy one that can be mounted beside the original. The kernel takes two btrfs with one UUID for two disks of
  /// one file system, so a btrfs gets the UUID of `identity`. The others need nothing. The copy is not mounted.
  ///
  /// - Throws: `EBUSY` if the device is in use, `ENOTSUP` for a btrfs with several disks, or with other checksums than
  ///   crc32c; otherwise the error of the read or write.
  package static func separate(
    _ kind: FileSystemKind, on path: String, as identity: FileSystemIdentity
  ) throws(SystemError) {
    guard kind == .btrfs, let uuid = uuidBytes(identity.uuid) else { return }
    try BtrfsSuperblock.change(at: path) { $0.setUUID(uuid) }
  }

  /// Gives the copy its identity. This is the last step: a copy with the identity is complete.
  ///
  /// - Parameter mountPoint: where the copy is mounted: an XFS must be, the others must not.
  /// - Throws: `EBUSY` if the device is in use, `ENOTSUP` for an ext4 or btrfs of a kind that cannot be changed, `ENOTTY`
  ///   for an XFS before Linux 4.18; otherwise the error of the read or write.
  package static func identify(
    _ kind: FileSystemKind, on path: String, mountedAt mountPoint: String?, as identity: FileSystemIdentity
  ) throws(SystemError) {
    switch kind {
    case .ext4:
      guard let uuid = uuidBytes(identity.uuid) else {
        throw SystemError(operation: "read UUID", subject: identity.uuid, errno: .invalid)
      }
      try Ext4Superblock.change(at: path) { superblock throws(SystemError) in try superblock.setUUID(uuid) }
    case .btrfs: try BtrfsSuperblock.change(at: path) { $0.setLabel(identity.label) }
    case .xfs: try setLabel(identity.shortLabel, ofMountAt: mountPoint ?? "")
    }
  }

  /// Writes out everything that was written to the mounted file system, syncfs(2). Blocks until it is on the disk.
  ///
  /// - Throws: the error of open(2) or syncfs(2), from Linux 5.8 on also that of an earlier write.
  package static func flush(mountPoint: String) throws(SystemError) {
    let directory = try Descriptor.open(mountPoint, O_RDONLY | O_DIRECTORY)
    let number = directory.rawValue
    try retryingInterrupts("flush file system at", mountPoint) { clinux_sync_file_system(number) }
  }

  private static func setLabel(_ label: String, ofMountAt path: String) throws(SystemError) {
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
    let number = directory.rawValue
    try retryingInterrupts("label file system at", path) { clinux_set_file_system_label(number, label) }
  }
}
