import Glibc
import LinuxSystem

/// What a device can hold that is no blank disk, and how it is put there.
struct Contents: Sendable {
  /// What may be done with a volume that holds this.
  enum Verdict: Sendable {
    /// A file system of ours: mounted as it is.
    case mounted(String)
    /// Something else: refused in words that name it.
    case refused(String)
    /// Nothing that is known: formatted with a live permit, refused without.
    case unknown
  }

  let name: String
  let mebibytes: Int
  let verdict: Verdict
  let put: @Sendable (_ device: String, _ bytes: Int) throws -> Void

  static let all: [Contents] = fileSystems + containers + tables + nothing

  /// Those that a device mapper or another program needs tools for.
  static let tools = ["mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkswap", "pvcreate", "debugfs"]
}

extension Contents {
  private static let fileSystems = [
    Contents(name: "ext4", mebibytes: 16, verdict: .mounted("ext4")) { device, _ in
      try run("mkfs.ext4", "-q", "-F", device)
    },
    Contents(name: "ext4 with a journal to replay", mebibytes: 32, verdict: .mounted("ext4")) { device, _ in
      try run("mkfs.ext4", "-q", "-F", device)
      // As after a power cut: the journal's superblock says that there is a transaction, which is then replayed.
      try run("debugfs", "-w", "-R", "feature needs_recovery", device)
    },
    Contents(name: "ext4 that recorded an error", mebibytes: 16, verdict: .mounted("ext4")) { device, _ in
      try run("mkfs.ext4", "-q", "-F", device)
      try run("debugfs", "-w", "-R", "ssv state 3", device)
    },
    Contents(name: "xfs", mebibytes: 320, verdict: .mounted("xfs")) { device, _ in
      try run("mkfs.xfs", "-q", "-f", "-K", device)
    },
    Contents(name: "btrfs", mebibytes: 128, verdict: .mounted("btrfs")) { device, _ in
      try run("mkfs.btrfs", "-q", "-f", "-K", device)
    },
    Contents(name: "iso9660", mebibytes: 4, verdict: .refused("iso9660")) { device, _ in
      // ECMA-119 8.4: the first volume descriptor, at sector 16.
      try overwrite(device, with: [1] + Array("CD001".utf8) + [1, 0], at: 16 * 2048)
    },
    Contents(name: "vfat", mebibytes: 4, verdict: .refused("vfat")) { device, _ in
      try overwrite(device, with: vfat(), at: 0)
    },
  ]

  private static let containers = [
    Contents(name: "LUKS", mebibytes: 4, verdict: .refused("crypto_LUKS")) { device, _ in
      try overwrite(device, with: Array("LUKS".utf8) + [0xba, 0xbe, 0, 1], at: 0)
    },
    Contents(name: "physical volume", mebibytes: 4, verdict: .refused("LVM2_member")) { device, _ in
      // Made on a file: LVM does not look for physical volumes on its own volumes here.
      try overwrite(device, with: physicalVolume(), at: 512)
    },
    Contents(name: "MD member", mebibytes: 4, verdict: .refused("linux_raid_member")) { device, _ in
      // Version 1.2 (Linux, include/uapi/linux/raid/md_p.h): at 4 KiB, with its own sector, 8, at 144.
      try overwrite(device, with: [0xfc, 0x4e, 0x2b, 0xa9, 1], at: 4096)
      try overwrite(device, with: [8], at: 4096 + 144)
    },
    Contents(name: "swap", mebibytes: 4, verdict: .refused("swap")) { device, _ in
      try run("mkswap", device)
    },
  ]

  private static let tables = [
    Contents(name: "dos partition table", mebibytes: 4, verdict: .refused("dos")) { device, _ in
      try overwrite(device, with: partitionEntry(type: 0x83), at: 446)
      try overwrite(device, with: [0x55, 0xaa], at: 510)
    },
    Contents(name: "gpt", mebibytes: 4, verdict: .refused("gpt")) { device, bytes in
      try PartitionTable.write(to: device, sectors: UInt64(bytes / 512))
    },
    Contents(name: "gpt of which only the backup is left", mebibytes: 4, verdict: .refused("gpt")) { device, bytes in
      try PartitionTable.write(to: device, sectors: UInt64(bytes / 512))
      try overwrite(device, with: [UInt8](repeating: 0, count: 64 << 10), at: 0)
    },
    Contents(name: "ext4 and a partition table", mebibytes: 16, verdict: .refused("more than one format")) {
      device, bytes in
      try run("mkfs.ext4", "-q", "-F", device)
      try PartitionTable.write(to: device, sectors: UInt64(bytes / 512), primary: false)
    },
  ]

  private static let nothing = [
    Contents(name: "zeros", mebibytes: 4, verdict: .unknown) { _, _ in },
    Contents(name: "random bytes", mebibytes: 4, verdict: .unknown) { device, _ in
      for part in 0..<16 { try overwrite(device, with: Marker(seed: UInt64(part) + 99).bytes, at: UInt64(part) << 16) }
    },
    Contents(name: "ext4 whose superblock was zeroed", mebibytes: 16, verdict: .unknown) { device, _ in
      // Its backups are whole: e2fsck -b brings all data back.
      try run("mkfs.ext4", "-q", "-F", "-b", "1024", device)
      try overwrite(device, with: [UInt8](repeating: 0, count: 1024), at: 1024)
    },
    Contents(name: "ext4 whose first MiB was zeroed", mebibytes: 16, verdict: .unknown) { device, _ in
      try run("mkfs.ext4", "-q", "-F", device)
      try overwrite(device, with: [UInt8](repeating: 0, count: 1 << 20), at: 0)
    },
  ]

  /// Status, first and last sector of a partition.
  static func partitionEntry(type: UInt8) -> [UInt8] { [0, 0, 2, 0, type, 0, 0, 0, 1, 0, 0, 0, 0xff, 0x1f, 0, 0] }

  /// A label and a PV header as LVM writes them (lvm2 `lib/format_text/layout.h`); the checksum is not.
  private static func physicalVolume() -> [UInt8] {
    Array("LABELONE".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 32, 0, 0, 0] + Array("LVM2 001".utf8)
  }

  /// A boot sector of FAT16 that libblkid takes for one: geometry, two tables, label.
  private static func vfat() -> [UInt8] {
    var sector = [UInt8](repeating: 0, count: 512)
    sector.replaceSubrange(0..<11, with: [0xeb, 0x3c, 0x90] + Array("mkfs.fat".utf8))
    // 512 bytes a sector, 4 sectors a cluster, 4 reserved, 2 tables, 512 root entries, 8192 sectors, 8 a table.
    sector.replaceSubrange(11..<24, with: [0, 2, 4, 4, 0, 2, 0, 2, 0, 0x20, 0xf8, 8, 0])
    sector.replaceSubrange(36..<62, with: [0x80, 0, 0x29, 1, 2, 3, 4] + Array("NO NAME    FAT16   ".utf8))
    sector.replaceSubrange(510..<512, with: [0x55, 0xaa])
    return sector
  }
}
