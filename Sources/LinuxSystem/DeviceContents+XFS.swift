extension DeviceContents {
  /// Whether mkfs.xfs was interrupted on the device: it sets `sb_inprogress`, byte 126 of the superblock, when it begins
  /// and clears it last (XFS Filesystem Structure, "Superblocks"); the kernel mounts no such file system. Blocks while
  /// it reads. Without the magic number `XFSB` it is `EINVAL`.
  package static func xfsIsInProgress(_ path: String) throws(SystemError) -> Bool {
    let block = try BlockDevice.readBytes(path, offset: 0, count: 512)
    guard block.count == 512, block[..<4].elementsEqual("XFSB".utf8) else {
      throw SystemError(operation: "find XFS superblock on", subject: path, errno: .invalid)
    }
    return block[126] != 0
  }
}
