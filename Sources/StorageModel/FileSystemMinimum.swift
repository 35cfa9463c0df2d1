extension VolumeOptions {
  /// The smallest volume on which mkfs makes the file system that is asked for.
  ///
  /// Found with Debian 12's mkfs on images (xfsprogs 6.1, btrfs-progs 6.2, e2fsprogs 1.47); `FileSystemMinimumTests` tries them
  /// again. Other options than those named have little influence or none.
  package var minimumSize: ByteCount {
    switch fileSystemToMake {
    // With blocks of 4 KiB, as on disks with such sectors; 104 KiB with blocks of 1 KiB.
    case .ext4: .kibibytes(256)
    case .xfs: .mebibytes(300)
    case .btrfs where mkfsOptions.arguments.contains("--mixed"): .mebibytes(16)
    case .btrfs where mkfsOptions.arguments.contains("single"): .mebibytes(47)
    case .btrfs: .mebibytes(109)
    }
  }
}
