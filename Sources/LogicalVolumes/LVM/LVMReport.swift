internal import JSON
internal import LinuxSystem
internal import StorageModel

/// Parses the output of `--reportformat json`.
///
/// The library passes the report on line by line. Each line is one row of a section, cut at 4,095 bytes. So rows are
/// parsed one by one: a row that was cut (a foreign volume with kilobytes of tags) loses only its own end.
struct LVMReport {
  private(set) var rows: [[String: String]] = []

  /// - Throws: `internal` with the row that is not valid.
  init(lines: [String]) throws(VolumeError) {
    var rows: [[String: String]] = []
    for line in lines {
      let trimmed = line.drop { $0 == " " }
      guard trimmed.hasPrefix("{\"") else { continue }
      rows.append(try Self.row(trimmed))
    }
    self.rows = rows
  }

  private static func row(_ line: Substring) throws(VolumeError) -> [String: String] {
    let text = line.hasSuffix(",") ? line.dropLast() : line
    if let row = strings(text) { return row }
    // The line was cut in its last value, the tags, or right after it.
    for end in ["}", "\"}"] {
      guard var row = strings(line + end) else { continue }
      // The last tag may be incomplete, and the retained mark may be missing, so no tag is used.
      row["lv_tags"] = nil
      return row
    }
    throw VolumeError(.internal, "LVM reported a row that is no JSON object: \(quoted(line))")
  }

  /// Nil for text that is not an object of strings.
  private static func strings(_ text: Substring) -> [String: String]? {
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: Array(text.utf8))
      guard let members = try json.members() else { return nil }
      try json.end()
      var row: [String: String] = [:]
      for (key, value) in members {
        guard let value else { return nil }
        row[key] = value
      }
      return row
    } catch {
      return nil
    }
  }
}

extension GroupState {
  /// Builds the state from a full report of one group.
  ///
  /// - Throws: `internal` if a field is missing or not a number, as in an unknown LVM.
  init(report: LVMReport, of name: VolumeGroupName) throws(VolumeError) {
    guard let group = report.rows.first(where: { $0["vg_name"] == name.text }) else {
      throw VolumeError(.notFound, "volume group \"\(name)\" is missing from LVM's report")
    }
    self.name = name
    uuid = group["vg_uuid"] ?? ""
    sequence = try Self.number("vg_seqno", in: group)
    extentSize = ByteCount(try Self.number("vg_extent_size", in: group))
    size = ByteCount(try Self.number("vg_size", in: group))
    disks = report.rows.compactMap(Disk.init)
    let free = ByteCount(try Self.number("vg_free", in: group))
    closed = disks.reduce(.zero) { $1.isAllocatable || $1.isMissing ? $0 : $0 + $1.free }
    let missing = disks.reduce(.zero) { $1.isMissing ? $0 + $1.free : $0 }
    self.free = free - closed - missing
    isExported = group["vg_exported"] == "exported"
    isReadOnly = group["vg_permissions"] == "read-only"
    volumeLimit = group["max_lv"].flatMap { UInt64($0) } ?? 0
    volumeCount = group["lv_count"].flatMap { UInt64($0) } ?? 0
    metadataSize = ByteCount(try Self.number("vg_mda_size", in: group))
    metadataFree = ByteCount(try Self.number("vg_mda_free", in: group))
    metadataDevices = report.rows.compactMap { row in
      guard let path = row["pv_name"], row["pv_mda_used_count"] != "0", row["pv_missing"] != "missing" else {
        return nil
      }
      return path
    }
    volumes = [:]
    for row in report.rows {
      guard let volume = try Volume(row: row) else { continue }
      volumes[volume.name] = volume
    }
  }

  fileprivate static func number(_ key: String, in row: [String: String]) throws(VolumeError) -> UInt64 {
    guard let text = row[key], let number = UInt64(text) else {
      throw VolumeError(.internal, "LVM's report has no number for \(key) but \(quoted(row[key] ?? "nothing"))")
    }
    return number
  }
}

extension GroupState.Disk {
  /// Nil for a row that is not a physical volume's. A missing column counts as normal.
  fileprivate init?(row: [String: String]) {
    guard let path = row["pv_name"] else { return nil }
    self.path = path
    uuid = row["pv_uuid"] ?? ""
    free = ByteCount(row["pv_free"].flatMap { UInt64($0) } ?? 0)
    isAllocatable = row["pv_allocatable"] != ""
    isMissing = row["pv_missing"] == "missing"
  }
}

extension GroupState.Volume {
  /// Nil for a row that is not a logical volume's.
  fileprivate init?(row: [String: String]) throws(VolumeError) {
    guard let name = row["lv_name"], let uuid = row["lv_uuid"] else { return nil }
    // The UUID becomes part of a selection, between quotes.
    guard uuid.utf8.allSatisfy(Self.isUUIDCharacter) else {
      throw VolumeError(.internal, "LVM's report has \(quoted(uuid)) for the UUID of volume \(quoted(name))")
    }
    self.name = name
    self.uuid = uuid
    size = ByteCount(try GroupState.number("lv_size", in: row))
    layout = row["lv_layout"] ?? ""
    role = row["lv_role"] ?? ""
    pool = row["pool_lv"] ?? ""
    createdAt = row["lv_time"].flatMap { Int64($0) }.map { Timestamp(seconds: $0) }
    areTagsKnown = row["lv_tags"] != nil
    let tags = (row["lv_tags"] ?? "").split(separator: ",")
    formerName = VolumeTags.volumeName(in: tags).flatMap { $0 == name ? nil : String($0) }
    marks = formerName == nil ? VolumeTags.marks(in: tags) : nil
  }

  /// Letters, digits and hyphens (lvm2 `lib/uuid/uuid.c`, which has `!` and `#` in very old ones).
  private static func isUUIDCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "!"), UInt8(ascii: "#"):
      true
    default: false
    }
  }
}
