/// The file systems we make. Others are mounted by nobody here.
package enum FileSystemKind: String, Sendable, CaseIterable {
  case ext4, xfs, btrfs

  /// What a volume gets when neither the class nor the PV names a file system.
  package static let standard = FileSystemKind.ext4
}

// What mkfs is told, and what it needs.
extension FileSystemKind {
  /// No discard of the whole device: on a large volume that alone takes longer than kubelet's patience; `mkfsOptions`
  /// can ask for it (a later `-E discard` wins). No blocks reserved for root, as kubelet's own formatter does it.
  package var standardMkfsOptions: [String] {
    switch self {
    case .ext4: ["-m", "0", "-E", "nodiscard"]
    case .xfs, .btrfs: ["-K"]
    }
  }

  /// The smallest volume on which mkfs makes this file system.
  ///
  /// Found with Debian 12's mkfs on images (xfsprogs 6.1, btrfs-progs 6.2, e2fsprogs 1.47); `FileSystemMinimumTests` tries them
  /// again. Other options than those named have little influence or none.
  package func minimumSize(with options: MkfsOptions) -> ByteCount {
    switch self {
    // With blocks of 4 KiB, as on disks with such sectors; 104 KiB with blocks of 1 KiB.
    case .ext4: .kibibytes(256)
    case .xfs: .mebibytes(300)
    case .btrfs where options.arguments.contains("--mixed"): .mebibytes(16)
    case .btrfs where options.arguments.contains("single"): .mebibytes(47)
    case .btrfs: .mebibytes(109)
    }
  }
}
