internal import StorageModel

/// One command for liblvm2cmd, built from checked values.
///
/// The library splits a command line by its own rules (lvm2 `tools/lvm2cmd.c`, `lvm_split`): blanks separate words, and
/// a word that begins with a quote ends at the next quote. So every word is checked to contain neither, except for a
/// few constant ones that are quoted here.
package struct LVMCommand: Sendable, CustomStringConvertible {
  /// The words. The first is the command's name.
  package private(set) var words: [String]
  /// The only group of the command; nil for a command about all groups.
  private(set) var group: VolumeGroupName?

  package var name: String { words[0] }
  package var description: String { line }

  /// The command line for `lvm2_run`.
  var line: String { words.joined(separator: " ") }

  private init(_ words: [String], of group: VolumeGroupName? = nil) {
    precondition(words.allSatisfy(Self.isPlain), "a word of an LVM command holds a blank or a quote")
    self.words = words
    self.group = group
  }

  /// The command with only these devices visible to LVM, so that it finds no other group of the same name. Nil if a
  /// path contains a character that has a meaning in a pattern.
  ///
  /// Uses a filter and not `--devices`. In a session of more than one command lvm2 2.03.16 never resets `--devices`,
  /// and reads memory that it has freed. With a devices file a filter has no effect, so the devices file is switched
  /// off. The paths must therefore come from a report that has honoured it.
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
    // Selections and configurations are quoted here, around checked values.
    for quote in ["\"", "'"] where word.hasPrefix(quote) {
      return word.count > 1 && word.hasSuffix(quote) && !word.dropFirst().dropLast().contains(quote)
    }
    return !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 && $0 != 0x5C }
  }
}

extension LVMCommand {
  /// Creates a thick volume. LVM wipes signatures of earlier volumes and zeroes the first 4 KiB (lvcreate(8), `-W`,
  /// `-Z`).
  static func createThick(
    _ name: VolumeName, in group: VolumeGroupName, size: ByteCount, tags: [String], wipe: Bool
  ) -> LVMCommand {
    let clearing = wipe ? ["-Wy", "-Zy"] : ["-Wn", "-Zn"]
    return LVMCommand(
      ["lvcreate", "-y"] + clearing + ["-n", name.text, "-L", bytes(size)] + adding(tags) + [group.text], of: group)
  }

  /// Creates a thin volume. A new one reads as zeros, so nothing is wiped.
  static func createThin(
    _ name: VolumeName, in group: VolumeGroupName, pool: VolumeName, size: ByteCount, tags: [String]
  ) -> LVMCommand {
    LVMCommand(
      ["lvcreate", "-y", "-V", bytes(size), "--thinpool", pool.text, "-n", name.text] + adding(tags) + [group.text],
      of: group)
  }

  /// Creates a thin snapshot of a thin volume, of the same size (lvmthin(7)). LVM suspends an active origin for it. The
  /// device mapper then freezes the file system that is mounted from it, and resumes it afterwards. `--setactivationskip n`
  /// makes the snapshot an ordinary volume, which is activated now and with all others.
  static func clone(
    _ origin: VolumeName, as name: VolumeName, in group: VolumeGroupName, tags: [String]
  ) -> LVMCommand {
    LVMCommand(
      ["lvcreate", "-y", "-s", "--setactivationskip", "n", "-n", name.text] + adding(tags) + ["\(group)/\(origin)"],
      of: group)
  }

  /// The UUID of the volume that a thin snapshot was taken of (lvmreport(7), `origin_uuid`).
  static func origin(of name: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvs", "--reportformat", "json", "-o", "lv_name,origin_uuid", "\(group)/\(name)"], of: group)
  }

  static func extend(_ name: VolumeName, in group: VolumeGroupName, to size: ByteCount) -> LVMCommand {
    LVMCommand(["lvextend", "-y", "-L", bytes(size), "\(group)/\(name)"], of: group)
  }

  /// Removes the volume only if it still has this UUID, carries our tag, is not retained and has no snapshots (lvremove
  /// would remove those too). LVM checks this under its own lock, so no concurrent change can make us remove another
  /// volume.
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

  /// Activates a volume. `-K` includes volumes with the activation-skip flag (lvchange(8)).
  static func activate(_ name: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-ay", "-K", "\(group)/\(name)"], of: group)
  }

  /// Activates all volumes of ours and no foreign one.
  static func activateOurs(in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-ay", "-K", "--select", "\"lv_tags=\(VolumeTags.product)\"", group.text], of: group)
  }

  /// The hidden volumes that form a thin pool (lvmthin(7)). LVM refuses while the thin pool uses them.
  static func deactivatePartsOfPool(_ pool: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "-an", "\(group)/\(pool)_tmeta", "\(group)/\(pool)_tdata"], of: group)
  }

  /// Loads the table of an active thin pool again, which resumes it (lvchange(8), `--refresh`).
  static func refresh(_ pool: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvchange", "-y", "--refresh", "\(group)/\(pool)"], of: group)
  }

  /// Creates missing device nodes (vgmknodes(8)).
  static func makeNodes(in group: VolumeGroupName) -> LVMCommand { LVMCommand(["vgmknodes", group.text], of: group) }

  /// Group, physical and logical volumes in one read, under one lock. `lv_tags` is last, because messages are cut at
  /// 4,095 bytes and a volume with more tags must still be seen. A full report has segments too, two more rows per
  /// volume; none is selected.
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

  /// The use and condition of a thin pool. Asks the kernel.
  static func poolUse(_ pool: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(
      [
        "lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o",
        "lv_name,data_percent,metadata_percent,lv_health_status,lv_check_needed",
        "\(group)/\(pool)",
      ], of: group)
  }

  /// Whether the volume is read-only in the kernel, and why: `read-only` for the volume's own permission,
  /// `read-only-override` for `activation/read_only_volume_list` (lvmreport(7), `lv_permissions`).
  static func permissions(_ name: VolumeName, in group: VolumeGroupName) -> LVMCommand {
    LVMCommand(["lvs", "--reportformat", "json", "-o", "lv_name,lv_permissions", "\(group)/\(name)"], of: group)
  }

  /// All groups that LVM sees, including those of other hosts, for the message about an unreadable group.
  static let allGroups = LVMCommand(["vgs", "--foreign", "--reportformat", "json", "-o", "vg_name,vg_uuid,vg_systemid"])

  /// All physical volumes that LVM sees and the UUIDs of their groups.
  static let allDevices = LVMCommand(["pvs", "--foreign", "--reportformat", "json", "-o", "pv_name,vg_uuid"])

  /// Writes the present configuration, overridden by ours (lvmconfig(8)).
  static func writeConfiguration(_ ours: String, to path: String) -> LVMCommand {
    LVMCommand(["config", "--type", "current", "--mergedconfig", "--config", "'\(ours)'", "--file", path])
  }

  private static func adding(_ tags: [String]) -> [String] { tags.flatMap { ["--addtag", $0] } }

  private static func bytes(_ size: ByteCount) -> String { "\(size.bytes)b" }
}
