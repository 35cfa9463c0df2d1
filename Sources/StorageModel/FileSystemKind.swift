/// The file systems we make. Others are mounted by nobody here.
package enum FileSystemKind: String, Sendable, CaseIterable, Codable {
  case ext4, xfs, btrfs

  /// What a volume gets when neither the class nor the PV names a file system.
  package static let standard = FileSystemKind.ext4
}
