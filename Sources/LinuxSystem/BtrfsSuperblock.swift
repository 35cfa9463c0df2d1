/// A superblock of a btrfs, 4,096 bytes (btrfs documentation, "On-disk Format", "Superblock"). There are up to three; the
/// kernel mounts by the first.
struct BtrfsSuperblock {
  /// The first is written last, so that the file system is the former one until then.
  private static let offsets: [UInt64] = [256 << 30, 64 << 20, 64 << 10]
  private static let size = 4096

  private enum Field {
    static let checksum = 0x0
    static let checksummed = 0x20
    static let uuid = 0x20
    static let position = 0x30
    static let flags = 0x38
    static let magic = 0x40
    static let devices = 0x88
    static let incompatible = 0xBC
    static let checksumType = 0xC4
    static let label = 0x12B
    static let labelSize = 256
    static let metadataUUID = 0x23B
  }

  /// The UUID of the metadata blocks is a field of its own, and the file system's UUID another (Linux 5.0).
  private static let hasMetadataUUID: UInt64 = 0x400
  /// btrfstune is changing the UUID, in either of its ways.
  private static let isChangingUUID: UInt64 = 0b11 << 35

  private var block: Superblock

  /// Nil if there is none at that place.
  private init?(_ bytes: [UInt8], _ path: String, at offset: UInt64) {
    block = Superblock(bytes, of: path)
    guard bytes.count == Self.size, bytes[Field.magic..<Field.magic + 8].elementsEqual("_BHRfS_M".utf8),
      block.number(Field.position) == offset
    else { return nil }
  }

  /// Reads the superblocks, changes them and writes them back. Blocks until they are on the disk.
  ///
  /// - Throws: `EBUSY` if the device is in use, `EINVAL` if there is no first superblock, `ENOTSUP` for a btrfs with several
  ///   disks or with other checksums than crc32c, `EUCLEAN` if a checksum is wrong.
  static func change(at path: String, _ change: (inout BtrfsSuperblock) -> Void) throws(SystemError) {
    try BlockDevice.rewrite(path, at: offsets, count: size) { bytes, offset throws(SystemError) in
      guard var superblock = BtrfsSuperblock(bytes, path, at: offset) else {
        if offset != offsets.last { return nil }
        throw SystemError(operation: "find btrfs superblock on", subject: path, errno: .invalid)
      }
      try superblock.requireChangeable()
      change(&superblock)
      superblock.block.set(Field.checksum, to: superblock.checksum)
      return superblock.block.bytes
    }
  }

  private func requireChangeable() throws(SystemError) {
    try block.require(
      block.number(Field.checksumType, as: UInt16.self) == 0,
      "change a btrfs with other checksums than crc32c on", .notSupported)
    try block.require(
      block.number(Field.devices, as: UInt64.self) == 1, "change a btrfs of several disks on", .notSupported)
    try block.require(
      block.number(Field.flags, as: UInt64.self) & Self.isChangingUUID == 0,
      "change a btrfs whose UUID btrfstune has not finished to change on", .notSupported)
    try block.require(block.number(Field.checksum) == checksum, "check btrfs superblock on", .structureNeedsCleaning)
  }

  /// Sets the UUID of the file system. Its metadata blocks keep theirs.
  mutating func setUUID(_ uuid: [UInt8]) {
    let features = block.number(Field.incompatible, as: UInt64.self)
    if features & Self.hasMetadataUUID == 0 {
      block.set(Field.metadataUUID, to: Array(block.bytes[Field.uuid..<Field.uuid + 16]))
      block.set(Field.incompatible, to: features | Self.hasMetadataUUID)
    }
    block.set(Field.uuid, to: uuid)
  }

  mutating func setLabel(_ label: String) { block.set(Field.label, size: Field.labelSize, toText: label) }

  private var checksum: UInt32 { ~CRC32C.remainder(of: block.bytes[Field.checksummed...]) }
}
