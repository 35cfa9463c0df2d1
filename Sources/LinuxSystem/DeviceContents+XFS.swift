extension DeviceContents {
  /// Returns whether mkfs.xfs was interrupted on the device. mkfs.xfs sets `sb_inprogress`, byte 126 of the superblock,
  /// first and clears it last (XFS Filesystem Structure, "Superblocks"). The kernel does not mount such a file system.
  /// Blocks while it reads.
  ///
  /// - Throws: `EINVAL` if the magic number `XFSB` is missing; otherwise the error of the read.
  package static func xfsIsInProgress(_ path: String) throws(SystemError) -> Bool {
    try xfsSuperblock(path)[126] != 0
  }

  /// Returns the number of blocks of an XFS: `sb_dblocks` of the superblock, big-endian at byte 8. Reads the device
  /// itself, not the page cache. Blocks while it reads.
  ///
  /// - Throws: `EINVAL` if the magic number `XFSB` is missing; otherwise the error of the read.
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
