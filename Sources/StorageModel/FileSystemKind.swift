/// The file systems we make. Others are mounted by nobody here.
package enum FileSystemKind: String, Sendable, CaseIterable, Codable {
  case ext4, xfs, btrfs

  /// What a volume gets when neither the class nor the PV names a file system.
  package static let standard = FileSystemKind.ext4

  /// Whether mkfs can be told the UUID of the file system. mkfs.btrfs can, but then looks into every block device of the
  /// machine for one that has it already (btrfs-progs 6.2, `test_uuid_unique`), and waits for one that is stuck.
  package var takesUUID: Bool { self != .btrfs }
}
