/// The superblock of an ext4, 1,024 bytes at byte 1024 (Linux, Documentation/filesystems/ext4/super.rst). Its copies in other
/// block groups are not touched: e2fsck writes them anew when they differ.
struct Ext4Superblock {
  private static let offset: UInt64 = 1024
  private static let size = 1024

  private enum Field {
    static let magic = 0x38
    static let incompatible = 0x60
    static let readOnlyCompatible = 0x64
    static let uuid = 0x68
    static let checksumType = 0x175
    static let checksumSeed = 0x270
    static let checksum = 0x3FC
  }

  private enum Feature {
    static let needsRecovery: UInt32 = 0x4
    static let checksumSeed: UInt32 = 0x2000
    static let groupChecksums: UInt32 = 0x10
    static let metadataChecksums: UInt32 = 0x400
  }

  private var block: Superblock

  /// Reads it. Blocks.
  ///
  /// - Throws: `EINVAL` if there is none; otherwise the error of the read.
  init(at path: String) throws(SystemError) {
    try self.init(try BlockDevice.readBytes(path, offset: Self.offset, count: Self.size), path)
  }

  private init(_ bytes: [UInt8], _ path: String) throws(SystemError) {
    block = Superblock(bytes, of: path)
    try block.require(
      bytes.count == Self.size && block.number(Field.magic, as: UInt16.self) == 0xEF53, "find ext4 superblock on",
      .invalid)
  }

  private var incompatible: UInt32 { block.number(Field.incompatible) }
  private var readOnlyCompatible: UInt32 { block.number(Field.readOnlyCompatible) }
  private var hasMetadataChecksums: Bool { readOnlyCompatible & Feature.metadataChecksums != 0 }

  /// Whether the next mount replays the journal. A frozen ext4, and one that was unmounted, has nothing to replay.
  var hasJournalToReplay: Bool { incompatible & Feature.needsRecovery != 0 }

  /// Reads the superblock, changes it and writes it back. Blocks until it is on the disk.
  ///
  /// - Throws: `EBUSY` if the device is in use, and the errors of `change`.
  static func change(
    at path: String, _ change: (inout Ext4Superblock) throws(SystemError) -> Void
  ) throws(SystemError) {
    try BlockDevice.rewrite(path, at: [offset], count: size) { bytes, _ throws(SystemError) in
      var superblock = try Ext4Superblock(bytes, path)
      try change(&superblock)
      return superblock.block.bytes
    }
  }

  /// Sets the UUID. All metadata checksums begin with the UUID, unless the superblock records another seed. So the seed of
  /// the present UUID is recorded, with the feature `metadata_csum_seed` (Linux 4.4, e2fsprogs 1.43).
  ///
  /// - Throws: `EUCLEAN` if the superblock's checksum is wrong, `ENOTSUP` for an ext4 whose block groups have checksums of
  ///   the older kind (`uninit_bg`), which contain the UUID.
  mutating func setUUID(_ uuid: [UInt8]) throws(SystemError) {
    try block.require(
      hasMetadataChecksums || readOnlyCompatible & Feature.groupChecksums == 0,
      "change the UUID of an ext4 with feature uninit_bg, which only tune2fs can, on", .notSupported)
    guard hasMetadataChecksums else { return block.set(Field.uuid, to: uuid) }
    try block.require(
      block.bytes[Field.checksumType] == 1 && block.number(Field.checksum) == checksum,
      "check ext4 superblock on", .structureNeedsCleaning)
    if incompatible & Feature.checksumSeed == 0 {
      block.set(Field.checksumSeed, to: CRC32C.remainder(of: block.bytes[Field.uuid..<Field.uuid + 16]))
      block.set(Field.incompatible, to: incompatible | Feature.checksumSeed)
    }
    block.set(Field.uuid, to: uuid)
    block.set(Field.checksum, to: checksum)
  }

  private var checksum: UInt32 { CRC32C.remainder(of: block.bytes[..<Field.checksum]) }
}
