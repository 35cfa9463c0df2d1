extension DeviceContents {
  /// Whether mkfs.xfs was interrupted on the device: it sets `sb_inprogress`, byte 126 of the superblock, when it begins
  /// and clears it last (XFS Filesystem Structure, "Superblocks"); the kernel mounts no such file system. Blocks while
  /// it reads. Without the magic number `XFSB` it is `EINVAL`.
  package static func xfsIsInProgress(_ path: String) throws(SystemError) -> Bool {
    try xfsSuperblock(path)[126] != 0
  }

  /// How many blocks an XFS has by its superblock on the device, past the page cache: `sb_dblocks`, big-endian at byte 8.
  /// Blocks while it reads. Without the magic number it is `EINVAL`.
  package static func xfsBlocks(_ path: String) throws(SystemError) -> UInt64 {
    try xfsSuperblock(path)[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func xfsSuperblock(_ path: String) throws(SystemError) -> [UInt8] {
    let block = try BlockDevice.readDirect(path, offset: 0, count: 4096)
    guard block.count >= 512, block[..<4].elementsEqual("XFSB".utf8) else {
      throw SystemError(operation: "find XFS superblock on", subject: path, errno: .invalid)
    }
    return block
  }
}
