import Glibc
import LinuxSystem
import StorageModel
import Testing

@testable import LogicalVolumes

@Suite("The sequence number of a volume group")
struct MetadataSequenceTests {
  private static let text = "fixture {\nid = \"PGlyI0\"\nseqno = 7\nformat = \"lvm2\"\nstatus = []\n"

  @Test(
    "only the committed number of this group is taken; anything else counts as changed",
    arguments: [
      (text, "fixture", 7, "as LVM writes it"),
      (text + "\0\0\0rest", "fixture", 7, "zeros behind the text"),
      (text, "fixtur", nil, "another group"),
      (text.replacing("PGlyI0", with: "PGlyI1"), "fixture", nil, "another group of that name"),
      ("\n" + text, "fixture", nil, "a blank line before it"),
      ("fixture {\nseqno = +7\n\n", "fixture", nil, "a sign"),
      (text, "fixture2", nil, "another group"),
      ("fixture {\nid = \"PGlyI0\"\nseqno = 7", "fixture", nil, "the number may go on behind the end of what was read"),
      ("fixture {\nid = \"PGlyI0\"\nseqno = 7\0", "fixture", nil, "the text ends in the number"),
      ("fixture {\nid = \"PGlyI0\"\nseqno = x\n\n", "fixture", nil, "no number"),
      ("fixture {\nid = \"PGlyI0\"\nseqno = 99999999999999999999\n\n", "fixture", nil, "more than a number"),
      ("fixture {\nid = \"PGlyI0\"\nnothing\n", "fixture", nil, "no such line"),
      ("", "fixture", nil, "nothing"), ("\0\0\0", "fixture", nil, "zeros"),
    ] as [(String, String, UInt64?, String)])
  func sequence(_ text: String, _ group: String, _ number: UInt64?, _ remark: String) {
    #expect(MetadataSequence.sequence(in: Array(text.utf8), group: group, uuid: "PGlyI0") == number, "\(remark)")
  }

  @Test("a block that is not of a physical volume has no metadata area")
  func noLabel() {
    let blank = [UInt8](repeating: 0, count: 4096)
    #expect(MetadataSequence.firstMetadataArea(in: blank) == nil)
    var label = blank
    label.replaceSubrange(512..<520, with: Array("LABELONE".utf8))
    #expect(MetadataSequence.firstMetadataArea(in: label) == nil, "a label, and zeros behind it")
    for (offset, remark) in [(UInt8(0xFF), "offset of the header far outside"), (0xD0, "header at the very end")] {
      var wild = label
      wild.replaceSubrange(532..<536, with: [offset, 0x0D, 0, 0])
      #expect(MetadataSequence.firstMetadataArea(in: wild) == nil, "\(remark)")
    }
    var full = label
    full.replaceSubrange(532..<536, with: [0x20, 0, 0, 0])
    full.replaceSubrange(572..<4096, with: [UInt8](repeating: 1, count: 4096 - 572))
    #expect(MetadataSequence.firstMetadataArea(in: full) == nil, "a list of areas without an end")
  }

  @Test(
    "on a real physical volume the number is LVM's, and goes up with every change",
    .enabled(if: Machine.hasLVMTools, Machine.needsLVMTools))
  func real() throws {
    let scratch = try ScratchDirectory()
    try scratch.sparse("pv", .mebibytes(64))
    let device = try LoopDevice.attach(image: scratch["pv"])
    defer { try? LoopDevice.detach(device) }
    let lvm = MetadataTools(device: device, directory: try scratch.directory("lvm"))

    #expect(MetadataSequence(device: device) == nil, "a blank device")
    #expect(MetadataSequence(device: scratch["missing"]) == nil, "no device")
    try lvm.run("pvcreate", device)
    try lvm.run("vgcreate", "fixture", device)
    let sequence = try #require(MetadataSequence(device: device))
    let uuid = try lvm.uuid
    #expect(sequence.current(of: "fixture", uuid: uuid) == 1)
    #expect(try sequence.current(of: "fixture", uuid: uuid) == lvm.sequence)
    #expect(sequence.current(of: "other", uuid: uuid) == nil)
    #expect(
      sequence.current(of: "fixture", uuid: "PGlyI0-V3tN-i56E-nn2M-Iq63-8OYN-CbJ04J") == nil, "its name, not its UUID")
    // Often enough for the ring of metadata to be walked through and texts to lie at many offsets.
    for number in 1...40 {
      try lvm.run("vgchange", "--addtag", "tag\(number)", "fixture")
      #expect(sequence.current(of: "fixture", uuid: uuid) == UInt64(number + 1))
    }
    #expect(try sequence.current(of: "fixture", uuid: uuid) == lvm.sequence)
    try lvm.run("vgrename", "fixture", "renamed")
    #expect(sequence.current(of: "fixture", uuid: uuid) == nil, "the group is gone by that name")
    try lvm.run("vgremove", "renamed")
    #expect(sequence.current(of: "renamed", uuid: uuid) == nil, "a removed group has none")
  }

  @Test("an area that lies beyond all devices, and a device that is too short, have no metadata")
  func beyondAllDevices() {
    var header = [UInt8](repeating: 0, count: 512)
    header.replaceSubrange(4..<20, with: " LVM2 x[5A%r0N*>".utf8)
    header[41] = 2  // text at 512
    header[48] = 9  // of nine bytes
    #expect(MetadataSequence.committedText(in: header, of: (4096, 1 << 20))?.offset == 4608)
    #expect(MetadataSequence.committedText(in: header, of: (.max - 511, 1 << 20)) == nil)
    #expect(MetadataSequence.committedText(in: Array(header[..<40]), of: (4096, 1 << 20)) == nil)
    #expect(MetadataSequence.firstMetadataArea(in: Array("LABELONE".utf8)) == nil)
  }
}

/// LVM's tools on one device, without the kernel's device mapper.
private struct MetadataTools {
  let device: String
  let directory: String

  @discardableResult
  func run(_ tool: String, _ arguments: String...) throws -> String {
    let configuration =
      "global{activation=0 use_lvmpolld=0 locking_dir=\"\(directory)\"} backup{backup=0 archive=0} "
      + "devices{filter=[\"a|^\(device)$|\",\"r|.*|\"] use_devicesfile=0 obtain_device_list_from_udev=0} "
      + "activation{monitoring=0 udev_sync=0 udev_rules=0}"
    return try LogicalVolumesTests.run(
      tool, ["--config", configuration] + arguments, environment: ["LVM_SYSTEM_DIR=\(directory)"])
  }

  var uuid: String {
    get throws {
      let output = try run("vgs", "--noheadings", "-o", "vg_uuid", "fixture")
      return output.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
    }
  }

  var sequence: UInt64? {
    get throws {
      let output = try run("vgs", "--noheadings", "-o", "vg_seqno", "fixture")
      return output.split(whereSeparator: \.isWhitespace).last.flatMap { UInt64($0) }
    }
  }
}
