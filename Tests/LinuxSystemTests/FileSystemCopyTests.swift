import Glibc
@testable import LinuxSystem
import StorageModel
import TestSupport
import Testing

@Suite("Copies of file systems")
struct FileSystemCopyTests {
  private let directory: TemporaryDirectory
  private let identity = FileSystemIdentity(
    uuid: "61626364-6566-8768-a96a-6b6c6d6e6f70", label: "elastic-local-abcdefghijklmnop")
  private let second = FileSystemIdentity(
    uuid: "71626364-6566-8768-a96a-6b6c6d6e6f70", label: "elastic-local-bbcdefghijklmnop")

  init() throws { directory = try TemporaryDirectory() }

  @Test("the checksum is the one of RFC 3720")
  func checksum() {
    #expect(~CRC32C.remainder(of: "123456789".utf8) == 0xE306_9283)
    #expect(~CRC32C.remainder(of: [UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(~CRC32C.remainder(of: [UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
  }

  @Test(
    "an ext4 gets another UUID, twice, and e2fsck finds it sound, whatever checksums it has",
    arguments: [[], ["-O", "metadata_csum_seed"], ["-O", "^metadata_csum"], ["-b", "1024"], ["-O", "^has_journal"]])
  func ext4(options: [String]) throws {
    let image = try directory.image("image", mebibytes: 64)
    try FileSystemTools().make(.ext4, on: image, extraArguments: ["-L", "data"] + options, deadline: .seconds(60))
    #expect(try !FileSystemCopy.needsMount(.ext4, on: image))
    for identity in [identity, second] {
      try FileSystemCopy.separate(.ext4, on: image, as: identity)
      try FileSystemCopy.identify(.ext4, on: image, mountedAt: nil, as: identity)
      let contents = try DeviceContents.probe(image, knownAs: identity)
      #expect(contents == .fileSystem(type: "ext4", uuid: identity.uuid, label: "data"), "and nothing else changes")
      #expect(contents.bears(identity))
      try run("e2fsck", "-fn", image)
    }
  }

  @Test("an ext4 whose group checksums contain the UUID is refused, and not changed")
  func ext4WithGroupChecksums() throws {
    let image = try directory.image("image", mebibytes: 64)
    try FileSystemTools().make(
      .ext4, on: image, extraArguments: ["-O", "^metadata_csum,uninit_bg"], deadline: .seconds(60))
    try expectRefusal(.ext4, image, .notSupported)
  }

  @Test("an ext4 with a damaged superblock is refused, and not changed")
  func ext4Damaged() throws {
    let image = try directory.image("image", mebibytes: 64)
    try FileSystemTools().make(.ext4, on: image, extraArguments: [], deadline: .seconds(60))
    try patch(image, at: 1024 + 0x88, Array("/mnt".utf8))
    try expectRefusal(.ext4, image, .structureNeedsCleaning)
  }

  @Test("an ext4 whose journal holds something must be mounted before")
  func ext4WithJournal() throws {
    let image = try directory.image("image", mebibytes: 64)
    try FileSystemTools().make(.ext4, on: image, extraArguments: [], deadline: .seconds(60))
    try patch(image, at: 1024 + 0x60, [try BlockDevice.readBytes(image, offset: 1024 + 0x60, count: 1)[0] | 4])
    #expect(try FileSystemCopy.needsMount(.ext4, on: image))
  }

  @Test("a btrfs gets another UUID and label in all superblocks, twice, and btrfs check finds it sound")
  func btrfs() throws {
    let image = try directory.image("image", mebibytes: 256)
    try FileSystemTools().make(.btrfs, on: image, extraArguments: [], deadline: .seconds(60))
    let original = try superblock(image, at: 64 << 10)
    #expect(try !FileSystemCopy.needsMount(.btrfs, on: image))
    for identity in [identity, second] {
      try FileSystemCopy.separate(.btrfs, on: image, as: identity)
      try FileSystemCopy.identify(.btrfs, on: image, mountedAt: nil, as: identity)
      let contents = try DeviceContents.probe(image, knownAs: identity)
      #expect(contents == .fileSystem(type: "btrfs", uuid: identity.uuid, label: identity.label))
      #expect(contents.bears(identity))
      for offset in [64 << 10, 64 << 20] {
        let changed = try superblock(image, at: UInt64(offset))
        #expect(changed.count { $0.contains(identity.uuid) } == 1, "\(offset)")
        #expect(changed.contains { $0.hasPrefix("metadata_uuid") && $0.contains(uuid(original)) }, "\(offset)")
        #expect(changed.contains { $0.hasPrefix("csum\t") && $0.contains("[match]") }, "\(offset)")
      }
      try run("btrfs", "check", "--readonly", image)
    }
  }

  private func superblock(_ image: String, at offset: UInt64) throws -> [Substring] {
    try run("btrfs", "inspect-internal", "dump-super", "--bytenr", "\(offset)", image).split(separator: "\n")
  }

  private func uuid(_ lines: [Substring]) -> Substring {
    lines.first { $0.hasPrefix("fsid") }?.split(whereSeparator: \.isWhitespace).last ?? ""
  }

  @Test("a btrfs with other checksums is refused, and not changed")
  func btrfsWithOtherChecksums() throws {
    let image = try directory.image("image", mebibytes: 256)
    try FileSystemTools().make(.btrfs, on: image, extraArguments: ["--csum", "xxhash"], deadline: .seconds(60))
    try expectRefusal(.btrfs, image, .notSupported)
  }

  @Test("what is no such file system is refused", arguments: [FileSystemKind.ext4, .btrfs])
  func nothing(kind: FileSystemKind) throws {
    try expectRefusal(kind, try directory.image("image", mebibytes: 64), .invalid)
  }

  private func expectRefusal(_ kind: FileSystemKind, _ image: String, _ errno: Errno) throws {
    let before = try BlockDevice.readBytes(image, offset: 0, count: 128 << 10)
    let found = failure { () throws(SystemError) in
      try FileSystemCopy.separate(kind, on: image, as: identity)
      try FileSystemCopy.identify(kind, on: image, mountedAt: nil, as: identity)
    }
    #expect(found == errno)
    #expect(try BlockDevice.readBytes(image, offset: 0, count: 128 << 10) == before)
  }

  @Test(
    "two copies of a file system are mounted at once, and each keeps what is written to it", .serialized,
    .enabled(if: Machine.hasLoopDevices, Machine.needsLoopDevices), arguments: FileSystemKind.allCases)
  func mountedAtOnce(kind: FileSystemKind) throws {
    let original = try directory.image("original", mebibytes: 320)
    try FileSystemTools().make(kind, on: original, extraArguments: [], deadline: .seconds(60))
    try withMount(of: original, kind) { path in
      try Files.writeDurably([1], to: path + "/file", mode: 0o600)
      try FileSystemCopy.flush(mountPoint: path)
    }
    let copy = directory["copy"]
    try run("cp", "--sparse=always", original, copy)
    try withMount(of: original, kind) { first in
      try withMount(of: copy, kind, as: identity) { second in
        #expect(try Files.readAll(second + "/file") == [1])
        try Files.writeDurably([2], to: second + "/file", mode: 0o600)
        #expect(try Files.readAll(first + "/file") == [1])
      }
      #expect(try DeviceContents.probe(copy, knownAs: identity).bears(identity))
    }
  }

  private func withMount(
    of image: String, _ kind: FileSystemKind, as identity: FileSystemIdentity? = nil, _ body: (String) throws -> Void
  ) throws {
    let device = try LoopDevice.attach(image: image)
    defer { try? LoopDevice.detach(device) }  // its file is removed with the directory
    let path = directory["at-" + device.filter { $0 != "/" }]
    try Files.makeDirectories(path, mode: 0o700)
    if let identity {
      try FileSystemCopy.separate(kind, on: device, as: identity)
      if kind != .xfs { try FileSystemCopy.identify(kind, on: device, mountedAt: nil, as: identity) }
    }
    let data = identity == nil ? "" : MountOptions.none.sharingUUID(as: kind).kernelForm.data
    try Mounting.mount(device: device, atPath: path, fileSystem: kind.rawValue, flags: [], data: data)
    defer { try? Mounting.unmount(path) }  // a failed unmount fails the next mount
    if let identity, kind == .xfs { try FileSystemCopy.identify(kind, on: device, mountedAt: path, as: identity) }
    try body(path)
  }
}
