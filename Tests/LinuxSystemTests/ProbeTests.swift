import Glibc
@testable import LinuxSystem
import StorageModel
import TestSupport
import Testing

@Suite("Device contents")
struct ProbeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("real file systems are recognised with UUID and label", arguments: FileSystemKind.allCases)
  func fileSystems(kind: FileSystemKind) throws {
    let image = try directory.image("image", mebibytes: kind == .ext4 ? 16 : 320)
    #expect(try DeviceContents.probe(image) == .blank)
    try FileSystemTools().make(kind, on: image, extraArguments: ["-L", "data"], deadline: .seconds(60))
    guard case .fileSystem(let type, let uuid, let label) = try DeviceContents.probe(image) else {
      Issue.record("found \(try DeviceContents.probe(image))")
      return
    }
    #expect(type == kind.rawValue)
    #expect(uuid?.utf8.count == 36)
    #expect(label == "data")
  }

  @Test("zeros and random bytes without a signature are blank")
  func blank() throws {
    #expect(try DeviceContents.probe(directory.image("zeros", mebibytes: 8)) == .blank)
    let random = try directory.image("random", mebibytes: 4)
    var generator = SplitMix(state: 42)
    try patch(random, at: 0, (0..<(4 << 20)).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
    #expect(try DeviceContents.probe(random) == .blank)
  }

  private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      let mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
      return mixed ^ mixed >> 27
    }
  }

  @Test("swap is not blank", .enabled(if: Machine.has("mkswap"), "skipped: no mkswap"))
  func swap() throws {
    let image = try directory.image("image", mebibytes: 8)
    try run("mkswap", image)
    #expect(try DeviceContents.probe(image) == .other(kind: "swap"))
  }

  @Test("a LUKS header is not blank")
  func luks() throws {
    let image = try directory.image("image", mebibytes: 8)
    try patch(image, at: 0, Array("LUKS".utf8) + [0xba, 0xbe, 0, 1])
    #expect(try DeviceContents.probe(image) == .other(kind: "crypto_LUKS"))
  }

  @Test("an MD superblock is not blank, not even with a wrong checksum")
  func raid() throws {
    let image = try directory.image("image", mebibytes: 8)
    // Version 1.2: at 4 KiB the magic number and major version 1, at offset 144 its own sector, 8.
    try patch(image, at: 4096, [0xfc, 0x4e, 0x2b, 0xa9, 1])
    try patch(image, at: 4096 + 144, [8])
    guard case .other(let kind) = try DeviceContents.probe(image) else {
      Issue.record("found \(try DeviceContents.probe(image))")
      return
    }
    #expect(kind.hasPrefix("linux_raid_member"))
  }

  @Test("an LVM label is not blank, not even with a wrong checksum")
  func lvm() throws {
    let image = try directory.image("image", mebibytes: 8)
    try patch(image, at: 512, Array("LABELONE".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 32, 0, 0, 0])
    try patch(image, at: 512 + 24, Array("LVM2 001".utf8))
    #expect(try DeviceContents.probe(image) == .other(kind: "LVM2_member with a bad checksum"))
  }

  @Test(
    "a physical volume of LVM is not blank",
    .enabled(if: Machine.hasLoopDevices && Machine.has("pvcreate"), Machine.needsLoopDevices))
  func physicalVolume() throws {
    let image = try directory.image("image", mebibytes: 8)
    let loop = try LoopDevice.attach(image: image)
    let config =
      "devices{use_devicesfile=0 obtain_device_list_from_udev=0 filter=[\"a|^\(loop)$|\",\"r|.*|\"]} "
      + "global{activation=0 locking_dir=\"\(directory.path)\"} backup{backup=0 archive=0}"
    try run("pvcreate", "-q", "-y", "--config", config, loop)
    #expect(try DeviceContents.probe(loop) == .other(kind: "LVM2_member"))
    #expect(try DeviceContents.probe(image) == .other(kind: "LVM2_member"))
    try LoopDevice.detach(loop)
  }

  @Test("partition tables are not blank")
  func partitionTables() throws {
    let dos = try directory.image("dos", mebibytes: 8)
    try writeDOSTable(dos, type: 0x83)
    #expect(try DeviceContents.probe(dos) == .other(kind: "dos"))
    let gpt = try directory.image("gpt", mebibytes: 8)
    try GPT.write(to: gpt, sectors: 16384)
    try writeDOSTable(gpt, type: 0xee)
    #expect(try DeviceContents.probe(gpt) == .other(kind: "gpt"))
    // Only the backup at the end is left.
    try patch(gpt, at: 0, [UInt8](repeating: 0, count: 64 << 10))
    #expect(try DeviceContents.probe(gpt) == .other(kind: "gpt"))
  }

  private func writeDOSTable(_ path: String, type: UInt8) throws {
    let entry: [UInt8] = [0, 0, 2, 0, type, 0, 0, 0, 1, 0, 0, 0, 0xff, 0x3f, 0, 0]
    try patch(path, at: 446, entry)
    try patch(path, at: 510, [0x55, 0xaa])
  }

  @Test("a file system and a partition table at once are ambivalent")
  func both() throws {
    let image = try directory.image("image", mebibytes: 16)
    try run("mkfs.ext4", "-q", "-F", image)
    try GPT.write(to: image, sectors: 32768, primary: false)
    #expect(try DeviceContents.probe(image) == .ambivalent("ext4, partition table gpt"))
  }

  /// A pod that filled its volume with such data could not mount it any more. Found by a review.
  @Test(
    "a file system with a known identity is found whatever its data imitates, and no other is taken for it",
    arguments: FileSystemKind.allCases)
  func known(kind: FileSystemKind) throws {
    let image = try directory.image("image", mebibytes: 320)
    let identity = FileSystemIdentity(
      uuid: "61626364-6566-8768-a96a-6b6c6d6e6f70", label: "elastic-local-abcdefghijklmnop")
    try FileSystemTools().make(kind, on: image, identity: identity, extraArguments: [], deadline: .seconds(60))
    let plain = try DeviceContents.probe(image)
    #expect(try DeviceContents.probe(image, knownAs: identity) == plain)
    guard case .fileSystem(kind.rawValue, _, _) = plain else {
      Issue.record("found \(plain)")
      return
    }
    // Possible content of the last blocks of a file: a RAID member of the old format, and a backup partition table.
    try patch(image, at: (320 << 20) - (64 << 10), [0xfc, 0x4e, 0x2b, 0xa9, 0, 0, 0, 0, 90])
    #expect(try DeviceContents.probe(image) == .other(kind: "linux_raid_member"))
    #expect(try DeviceContents.probe(image, knownAs: identity) == plain)
    try patch(image, at: (320 << 20) - (64 << 10), [UInt8](repeating: 0, count: 64))
    try GPT.write(to: image, sectors: 320 << 11, primary: false)
    #expect(try DeviceContents.probe(image) != plain)
    #expect(try DeviceContents.probe(image, knownAs: identity) == plain)
    let another = FileSystemIdentity(
      uuid: "71626364-6566-8768-a96a-6b6c6d6e6f70", label: "elastic-local-bbcdefghijklmnop")
    #expect(try DeviceContents.probe(image, knownAs: another) != plain)
  }

  @Test("a file system with a known identity is found beside another superblock")
  func knownBesideAnother() throws {
    let identity = FileSystemIdentity(
      uuid: "61626364-6566-8768-a96a-6b6c6d6e6f70", label: "elastic-local-abcdefghijklmnop")
    let image = try directory.image("image", mebibytes: 320)
    try FileSystemTools().make(.ext4, on: image, identity: identity, extraArguments: [], deadline: .seconds(60))
    let plain = try DeviceContents.probe(image)
    let other = try directory.image("other", mebibytes: 320)
    try run("mkfs.btrfs", "-q", "-f", other)
    try patch(image, at: 64 << 10, try BlockDevice.readBytes(other, offset: 64 << 10, count: 4096))
    #expect(try DeviceContents.probe(image) != plain)
    #expect(try DeviceContents.probe(image, knownAs: identity) == plain)
  }

  @Test("two superblocks at once are ambivalent, and both are named")
  func ambivalent() throws {
    let image = try directory.image("image", mebibytes: 320)
    try run("mkfs.btrfs", "-q", "-f", image)
    let other = try directory.image("other", mebibytes: 16)
    try run("mkfs.ext4", "-q", "-F", other)
    try patch(image, at: 1024, try BlockDevice.readBytes(other, offset: 1024, count: 1024))
    guard case .ambivalent(let found) = try DeviceContents.probe(image) else {
      Issue.record("found \(try DeviceContents.probe(image))")
      return
    }
    #expect(found.contains("ext4") && found.contains("btrfs"))
  }

  @Test("a superblock with a wrong checksum is not blank")
  func badChecksum() throws {
    let ext4 = try directory.image("ext4", mebibytes: 16)
    try run("mkfs.ext4", "-q", "-F", "-O", "metadata_csum", ext4)
    try patch(ext4, at: 1024 + 0x3fc, [1, 2, 3, 4])
    // libblkid verifies ext4's checksum since 2.39. Debian 12 has 2.38.
    switch try DeviceContents.probe(ext4) {
    case .other("ext4 with a bad checksum"), .fileSystem("ext4", _, _): break
    case let found: Issue.record("found \(found)")
    }
  }

  @Test("the content of an image that was truncated after its superblock is still detected")
  func truncated() throws {
    let image = try directory.image("image", mebibytes: 16)
    try run("mkfs.ext4", "-q", "-F", image)
    #expect(truncate(image, 4096) == 0)
    #expect(try DeviceContents.probe(image) != .blank)
  }

  @Test("a missing device and a directory are errors")
  func missing() {
    #expect(failure { () throws(SystemError) in _ = try DeviceContents.probe(directory["nothing"]) } == .noEntry)
    #expect(throws: SystemError.self) { try DeviceContents.probe(directory.path) }
  }

  @Test("LVM's internal devices are recognised by their UUID")
  func privateDevices() {
    let uuid = "LVM-" + String(repeating: "a", count: 64)
    #expect(!DeviceContents.isPrivate(deviceMapperUUID: uuid))
    #expect(DeviceContents.isPrivate(deviceMapperUUID: uuid + "-tdata"))
    #expect(!DeviceContents.isPrivate(deviceMapperUUID: "CRYPT-LUKS2-x"))
  }

  @Test("ext4 needs a check when it recorded an error, or was not unmounted and has no journal")
  func ext4NeedsCheck() throws {
    for (index, journal) in [true, false].enumerated() {
      let image = try directory.image("image\(index)", mebibytes: 16)
      try run("mkfs.ext4", "-q", "-F", "-O", journal ? "has_journal" : "^has_journal", image)
      #expect(try !DeviceContents.ext4NeedsCheck(image))
      try patch(image, at: 1024 + 0x3a, [0])
      #expect(try DeviceContents.ext4NeedsCheck(image) == !journal)
      try patch(image, at: 1024 + 0x3a, [3])
      #expect(try DeviceContents.ext4NeedsCheck(image))
    }
    let blank = try directory.image("blank", mebibytes: 1)
    #expect(failure { () throws(SystemError) in _ = try DeviceContents.ext4NeedsCheck(blank) } == .invalid)
  }

  @Test("e2fsck repairs a broken checksum and fails on a device without ext4")
  func repair() throws {
    let image = try directory.image("image", mebibytes: 16)
    try run("mkfs.ext4", "-q", "-F", image)
    try FileSystemTools().repair(ext4: image)
    #expect(throws: ToolError.self) {
      try FileSystemTools().repair(ext4: directory.image("blank", mebibytes: 1))
    }
  }
}

/// Writes a minimal GUID partition table, UEFI specification 5.3: a header in sector 1, 128 entries after it, and the
/// backup at the end.
enum GPT {
  static func write(to path: String, sectors: UInt64, primary: Bool = true) throws {
    var entries = [UInt8](repeating: 0, count: 128 * 128)
    entries.replaceSubrange(0..<16, with: (1...16).map { UInt8($0) })
    entries.replaceSubrange(16..<32, with: (17...32).map { UInt8($0) })
    entries.replaceSubrange(32..<40, with: little(2048, 8))
    entries.replaceSubrange(40..<48, with: little(4095, 8))
    let last = sectors - 1
    if primary {
      try patch(path, at: 512, header(at: 1, mirror: last, entriesAt: 2, sectors: sectors, entries))
      try patch(path, at: 1024, entries)
    }
    try patch(path, at: Int(last - 32) * 512, entries)
    try patch(path, at: Int(last) * 512, header(at: last, mirror: 1, entriesAt: last - 32, sectors: sectors, entries))
  }

  private static func header(
    at own: UInt64, mirror: UInt64, entriesAt: UInt64, sectors: UInt64, _ entries: [UInt8]
  ) -> [UInt8] {
    var bytes = Array("EFI PART".utf8) + little(0x10000, 4) + little(92, 4) + little(0, 4) + little(0, 4)
    bytes += little(own, 8) + little(mirror, 8) + little(34, 8) + little(sectors - 34, 8)
    bytes += (33...48).map { UInt8($0) }
    bytes += little(entriesAt, 8) + little(128, 4) + little(128, 4) + little(UInt64(crc32(entries)), 4)
    bytes.replaceSubrange(16..<20, with: little(UInt64(crc32(bytes)), 4))
    return bytes
  }

  private static func little(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }
  }
}
