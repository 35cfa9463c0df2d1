/// The file systems that we create. No other is ever mounted.
package enum FileSystemKind: String, Sendable, CaseIterable {
  case ext4, xfs, btrfs

  /// What a volume gets when neither the class nor the PV names a file system.
  package static let standard = FileSystemKind.ext4
}

// Arguments of mkfs, and the space that it needs.
extension FileSystemKind {
  /// No discard of the whole device: on a large volume that takes longer than kubelet waits. `mkfsOptions` can ask for
  /// it (a later `-E discard` wins). No blocks reserved for root, as in kubelet's own formatter.
  package var standardMkfsOptions: [String] {
    switch self {
    case .ext4: ["-m", "0", "-E", "nodiscard"]
    case .xfs, .btrfs: ["-K"]
    }
  }

  /// The smallest volume on which mkfs creates this file system.
  ///
  /// Measured with Debian 12's mkfs on images (xfsprogs 6.1, btrfs-progs 6.2, e2fsprogs 1.47). `FileSystemMinimumTests`
  /// measures it again. Options that are not named here change it little or not at all.
  package func minimumSize(with options: MkfsOptions) -> ByteCount {
    switch self {
    // With blocks of 4 KiB, which disks with 4 KiB sectors require; 104 KiB with blocks of 1 KiB.
    case .ext4: .kibibytes(256)
    case .xfs: .mebibytes(300)
    case .btrfs where options.arguments.contains("--mixed"): .mebibytes(16)
    case .btrfs where options.arguments.contains("single"): .mebibytes(47)
    case .btrfs: .mebibytes(109)
    }
  }
}
