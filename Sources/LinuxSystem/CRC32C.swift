/// The Castagnoli cyclic redundancy check (RFC 3720, appendix B.4), as ext4 and btrfs use it for their superblocks.
enum CRC32C {
  /// The reversed polynomial 0x1EDC6F41.
  private static let polynomial: UInt32 = 0x82F6_3B78

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ polynomial }
  }

  /// The remainder of the bytes, without the final inversion: what ext4 stores. `~remainder(of:)` is the usual checksum,
  /// and what btrfs stores.
  static func remainder(of bytes: some Sequence<UInt8>) -> UInt32 {
    bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }
}
