internal import StorageModel

/// One command for liblvm2cmd, built from checked values.
///
/// The library splits a command line by its own rules (lvm2 `tools/lvm2cmd.c`, `lvm_split`): blanks separate words, a
/// word that begins with a quote ends at the next. So every word is checked to hold neither, but for the few constant
/// ones that are written in quotes here.
package struct LVMCommand: Sendable, CustomStringConvertible {
  /// The words, the first being the command's name.
  package private(set) var words: [String]
  /// The one group that the command is about; nil for a command about all of them.
  private(set) var group: VolumeGroupName?

  package var name: String { words[0] }
  package var description: String { line }

  /// The line for `lvm2_run`.
  var line: String { words.joined(separator: " ") }

  private init(_ words: [String], of group: VolumeGroupName? = nil) {
    precondition(words.allSatisfy(Self.isPlain), "a word of an LVM command holds a blank or a quote")
    self.words = words
    self.group = group
  }

  /// The command with only these devices shown to LVM, so that it meets no other group of the same name. Nil when a path
  /// holds a character that a pattern could take for something else.
  ///
  /// By a filter and not by `--devices`: in a session of more than one command lvm2 2.03.16 never takes that back, and reads
  /// memory that it has freed. With a devices file a filter counts for nothing, so that is switched off: the paths must come
  /// from a report that has honoured it.
  func seeingOnly(_ devices: [String]) -> LVMCommand? {
    var patterns: [String] = []
    for device in devices {
      guard let pattern = Self.pattern(device) else { return nil }
      patterns.append("\"a|^\(pattern)$|\"")
    }
    let filter = "[\(patterns.joined(separator: ",")),\"r|.*|\"]"
    let settings = "devices{use_devicesfile=0 filter=\(filter) global_filter=\(filter)}"
    var command = self
    command.words.insert(contentsOf: ["--config", "'\(settings)'"], at: 1)
    return command
  }

  private static func pattern(_ path: String) -> String? {
    guard path.hasPrefix("/") else { return nil }
    var pattern = ""
    for byte in path.utf8 {
      let character = String(UnicodeScalar(byte))
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: ":"):
        pattern += character
      case UInt8(ascii: "."), UInt8(ascii: "+"): pattern += "[\(character)]"
      default: return nil
      }
    }
    return pattern
  }

  private static func isPlain(_ word: String) -> Bool {
    // A selection or a configuration is written by us, in quotes, around checked values.
    for quote in ["\"", "'"] where word.hasPrefix(quote) {
      return word.count > 1 && word.hasSuffix(quote) && !word.dropFirst().dropLast().contains(quote)
    }
    return !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 && $0 != 0x5C }
  }
}

extension LVMCommand {
  /// A thick volume: signatures of earlier tenants are wiped and the first 4 KiB zeroed (lvcreate(8), `-W`, `-Z`).
  static func createThick(
    _ name: VolumeName, in group: VolumeGroupName, size: ByteCount, tags: [String], wipe: Bool
  ) -> LVMCommand {
    let clearing = wipe ? ["-Wy", "-Zy"] : ["-Wn", "-Zn"]
    return LVMCommand(
      ["lvcreate", "-y"] + clearing + ["-n", name.text, "-L", bytes(size)] + adding(tags) + [group.text], of: group)
  }

  /// A thin volume. A fresh one reads as zeros, so there is nothing to wipe.
  static func createThin(
    _ name: VolumeName, in group: VolumeGroupName, pool: VolumeName, size: ByteCount, tags: [String]
  ) -> LVMCommand {
    LVMCommand(
      ["lvcreate", "-y", "-V", bytes(size), "--thinpool", pool.text, "-n", name.text] + adding(tags) + [group.text],
      of: group)
  }

  static func extend(_ name: VolumeName, in group: VolumeGroupName, to size: ByteCount) -> LVMCommand {
    LVMCommand(["lvextend", "-y", "-L", bytes(size), "\(group)/\(name)"], of: group)
  }

  /// Removes the volume only if it still is the one with this UUID, carries our tag, is not retained and has no
  /// snapshots (lvremove would take those with it): LVM checks that under its own lock, so nothing that happened since
  /// we looked can make us remove another.
  static func remove(_ name: VolumeName, in group: VolumeGroupName, uuid: String) -> LVMCommand {
    let proof = [
      "lv_uuid=\(uuid)", "lv_tags=\(VolumeTags.product)", "lv_tags!=\(VolumeTags.retained)", "lv_role!=thickorigin",
    ]
    return LVMCommand(
      ["lvremove", "-y", "--select", "\"\(proof.joined(separator: "&&"))\"", "\(group)/\(name)"], of: group)
  }

  static func change(
    _ name: VolumeName, in group: VolumeGroupName, adding tags: [String] = [], removing: [String] = []
  ) -> LVMCommand {
    LVMCommand(
      ["lvchange", "-y"] + adding(tags) + removing.flatMap { ["--deltag", $0] } + ["\(group)/\(name)"],
      of: group)
  }

  /// `-K`: also volumes with the activation-skip flag (lvchange(8)).
  static func activate(_ name: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-ay", "-K", "\(group)/\(name)"], of: group)
  }

  /// Activates all volumes of ours and no foreign one.
  static func activateOurs(in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-ay", "-K", "--select", "\"lv_tags=\(VolumeTags.product)\"", group.text], of: group)
  }

  /// The hidden volumes of which a thin pool is made (lvmthin(7)); LVM refuses while the pool uses them.
  static func deactivatePartsOfPool(_ pool: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-an", "\(group)/\(pool)_tmeta", "\(group)/\(pool)_tdata"], of: group)
  }

  /// Makes the device nodes that are missing (vgmknodes(8)).
  static func makeNodes(in group: VolumeGroupName) -> LVMCommand { LVMCommand(["vgmknodes", group.text], of: group) }

  /// Group, physical and logical volumes in one read, under one lock. `lv_tags` is last: messages are cut at 4,095
  /// bytes, and a volume with more tags than that must still be seen. A full report has segments too, two more rows a
  /// volume: none is selected.
  static func groupReport(of group: VolumeGroupName) -> LVMCommand {
    LVMCommand(
      [
        "fullreport", "--reportformat", "json", "--units", "b", "--nosuffix",
        "--configreport", "vg", "-o",
        "vg_name,vg_uuid,vg_seqno,vg_extent_size,vg_size,vg_free,vg_mda_size,vg_mda_free,"
          + "vg_permissions,vg_exported,max_lv,lv_count",
        "--configreport", "pv", "-o", "pv_name,pv_uuid,pv_mda_used_count,pv_free,pv_allocatable,pv_missing",
        "--configreport", "lv", "-o", "lv_name,lv_uuid,lv_size,lv_layout,lv_role,pool_lv,lv_time,lv_tags",
        "--configreport", "seg", "-o", "seg_type", "-S", "seg_type=none",
        "--configreport", "pvseg", "-o", "pvseg_start", "-S", "pvseg_size=0",
        group.text,
      ], of: group)
  }

  /// How full a thin pool is, and how well; asks the kernel.
  static func poolUse(_ pool: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(
      [
        "lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o",
        "lv_name,data_percent,metadata_percent,lv_health_status,lv_check_needed",
        "\(group)/\(pool)",
      ], of: group)
  }

  /// Whether the volume is read-only in the kernel, and by which setting: `read-only` for the volume's own permission,
  /// `read-only-override` for `activation/read_only_volume_list` (lvmreport(7), `lv_permissions`).
  static func permissions(_ name: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvs", "--reportformat", "json", "-o", "lv_name,lv_permissions", "\(group)/\(name)"], of: group)
  }

  /// All groups that LVM sees, those of other hosts included, for what is said about one that cannot be read.
  static let allGroups = LVMCommand(["vgs", "--foreign", "--reportformat", "json", "-o", "vg_name,vg_uuid,vg_systemid"])

  /// All physical volumes that LVM sees and the UUIDs of their groups.
  static let allDevices = LVMCommand(["pvs", "--foreign", "--reportformat", "json", "-o", "pv_name,vg_uuid"])

  /// Writes the configuration in force with ours laid over it (lvmconfig(8)).
  static func writeConfiguration(_ ours: String, to path: String) -> LVMCommand {
    LVMCommand(["config", "--type", "current", "--mergedconfig", "--config", "'\(ours)'", "--file", path])
  }

  private static func adding(_ tags: [String]) -> [String] { tags.flatMap { ["--addtag", $0] } }

  private static func bytes(_ size: ByteCount) -> String { "\(size.bytes)b" }
}
