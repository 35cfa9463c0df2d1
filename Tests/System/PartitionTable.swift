/// A minimal GUID partition table, UEFI specification 5.3: a header in sector 1, 128 entries behind it, and the mirror
/// at the end.
enum PartitionTable {
  static func write(to path: String, sectors: UInt64, primary: Bool = true) throws {
    var entries = [UInt8](repeating: 0, count: 128 * 128)
    entries.replaceSubrange(0..<32, with: (1...32).map { UInt8($0) })
    entries.replaceSubrange(32..<40, with: little(2048, 8))
    entries.replaceSubrange(40..<48, with: little(4095, 8))
    let last = sectors - 1
    if primary {
      try overwrite(path, with: Contents.partitionEntry(type: 0xee), at: 446)
      try overwrite(path, with: [0x55, 0xaa], at: 510)
      try overwrite(path, with: header(at: 1, mirror: last, entriesAt: 2, sectors: sectors, entries), at: 512)
      try overwrite(path, with: entries, at: 1024)
    }
    try overwrite(path, with: entries, at: (last - 32) * 512)
    let backup = header(at: last, mirror: 1, entriesAt: last - 32, sectors: sectors, entries)
    try overwrite(path, with: backup, at: last * 512)
  }

  private static func header(
    at own: UInt64, mirror: UInt64, entriesAt: UInt64, sectors: UInt64, _ entries: [UInt8]
  ) -> [UInt8] {
    var bytes = Array("EFI PART".utf8) + little(0x10000, 4) + little(92, 4) + little(0, 4) + little(0, 4)
    bytes += little(own, 8) + little(mirror, 8) + little(34, 8) + little(sectors - 34, 8)
    bytes += (33...48).map { UInt8($0) }
    bytes += little(entriesAt, 8) + little(128, 4) + little(128, 4) + little(UInt64(checksum(entries)), 4)
    bytes.replaceSubrange(16..<20, with: little(UInt64(checksum(bytes)), 4))
    return bytes
  }

  private static func little(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
  }

  /// CRC-32 of IEEE 802.3.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }
  }
}
