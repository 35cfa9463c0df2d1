extension DeviceContents {
  /// Returns whether an ext4 file system must be checked before it is mounted: it recorded an error, or it was not
  /// unmounted cleanly and has no journal to replay. Blocks while it reads.
  ///
  /// The superblock is at byte 1024 and little-endian (Linux, Documentation/filesystems/ext4/super.rst):
  /// - `s_magic` at 0x38
  /// - `s_state` at 0x3A: 0x1 is cleanly unmounted, 0x2 is errors
  /// - `s_feature_compat` at 0x5C: 0x4 is a journal
  ///
  /// - Throws: `EINVAL` if the magic number is missing; otherwise the error of the read.
  package static func ext4NeedsCheck(_ path: String) throws(SystemError) -> Bool {
    let block = try BlockDevice.readBytes(path, offset: 1024, count: 1024)
    guard block.count == 1024, number(block, 0x38) == 0xEF53 else {
      throw SystemError(operation: "find ext4 superblock on", subject: path, errno: .invalid)
    }
    let state = number(block, 0x3A)
    let hasError = state & 0x2 != 0
    let isClean = state & 0x1 != 0
    let hasJournal = number(block, 0x5C) & 0x4 != 0
    return hasError || !isClean && !hasJournal
  }

  private static func number(_ block: [UInt8], _ offset: Int) -> UInt16 {
    UInt16(block[offset]) | UInt16(block[offset + 1]) << 8
  }
}
