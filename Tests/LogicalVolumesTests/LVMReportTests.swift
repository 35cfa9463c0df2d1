import LinuxSystem
import StorageModel
import Testing

@testable import LogicalVolumes

@Suite("Reading LVM's reports")
struct LVMReportTests {
  /// What liblvm2cmd 2.03.16 hands over for a group made for this test with `global/activation=0`, a line a message.
  static let recorded = """
      {
          "report": [
              {
                  "vg": [
                      {"vg_name":"fixture", "vg_uuid":"PGlyI0-V3tN-i56E-nn2M-Iq63-8OYN-CbJ04J", "vg_seqno":"3", "vg_extent_size":"4194304", "vg_size":"62914560", "vg_free":"50331648", "vg_mda_size":"1044480", "vg_mda_free":"519680"}
                  ]
                  ,
                  "pv": [
                      {"pv_name":"/dev/loop1", "pv_mda_used_count":"1"},
                      {"pv_name":"/dev/loop2", "pv_mda_used_count":"0"}
                  ]
                  ,
                  "lv": [
                      {"lv_name":"foreign", "lv_uuid":"vBXTn8-QEVJ-8Z8r-Uhcq-scPF-8wH8-FiAnbf", "lv_size":"4194304", "lv_layout":"linear", "lv_role":"public", "pool_lv":"", "lv_time":"1795231682", "lv_tags":""},
                      {"lv_name":"pvc-1", "lv_uuid":"UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D", "lv_size":"8388608", "lv_layout":"linear", "lv_role":"public", "pool_lv":"", "lv_time":"1795231682", "lv_tags":"elastic-local,elastic-local/creation=abcdefgh,elastic-local/volume=pvc-1"}
                  ]
                  ,
                  "pvseg": [
                      {"pvseg_start":"0"},
                      {"pvseg_start":"2"},
                      {"pvseg_start":"3"}
                  ]
                  ,
                  "seg": [
                      {"segtype":"linear"},
                      {"segtype":"linear"}
                  ]
              }
          ]
      }
    """.split(separator: "\n").map(String.init)

  private let fixture: VolumeGroupName

  init() throws { fixture = try VolumeGroupName("fixture") }

  private func state(_ lines: [String]) throws(VolumeError) -> GroupState {
    try GroupState(report: LVMReport(lines: lines), of: fixture)
  }

  @Test("a recorded report gives the group's state")
  func recordedReport() throws {
    let group = try state(Self.recorded)
    #expect(group.name == fixture)
    #expect(group.uuid == "PGlyI0-V3tN-i56E-nn2M-Iq63-8OYN-CbJ04J")
    #expect(group.sequence == 3)
    #expect(group.extentSize == .mebibytes(4))
    #expect(group.size == ByteCount(62_914_560))
    #expect(group.free == ByteCount(50_331_648))
    #expect(group.metadataSize == ByteCount(1_044_480))
    #expect(group.metadataFree == ByteCount(519_680))
    #expect(group.metadataDevices == ["/dev/loop1"], "a physical volume without metadata cannot be asked")
    #expect(group.volumes.keys.sorted() == ["foreign", "pvc-1"])
    #expect(group.ours == .mebibytes(8))
    let ours = try #require(group.volumes["pvc-1"])
    #expect(ours.uuid == "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D")
    #expect(ours.marks == StoredVolume.Marks(claim: nil, creation: try token("abcdefgh")))
    #expect(ours.createdAt == Timestamp(seconds: 1_795_231_682))
    #expect(ours.isPlain && !ours.isThin)
    let foreign = try #require(group.volumes["foreign"])
    #expect(foreign.marks == nil)
    #expect(foreign.isPlain)
  }

  @Test(
    "a group in which LVM creates nothing has the reason, and its free space is what LVM can allocate",
    arguments: [
      (nil, 50_331_648, [("", "")]),
      (.exported, 50_331_648, [("\"vg_seqno\"", "\"vg_exported\":\"exported\", \"vg_seqno\"")]),
      (.readOnly, 50_331_648, [("\"vg_seqno\"", "\"vg_permissions\":\"read-only\", \"vg_seqno\"")]),
      (.volumeLimit, 50_331_648, [("\"vg_seqno\"", "\"max_lv\":\"2\", \"lv_count\":\"2\", \"vg_seqno\"")]),
      (nil, 50_331_648, [("\"vg_seqno\"", "\"max_lv\":\"3\", \"lv_count\":\"2\", \"vg_seqno\"")]),
      (.metadataFull, 50_331_648, [("519680", "2047")]), (nil, 50_331_648, [("519680", "2048")]),
      (
        .incomplete, 30_331_648,
        [
          (
            "\"pv_mda_used_count\":\"0\"",
            "\"pv_mda_used_count\":\"0\", \"pv_missing\":\"missing\", \"pv_free\":\"20000000\""
          )
        ]
      ),
      (
        nil, 30_331_648,
        [
          (
            "\"pv_mda_used_count\":\"0\"",
            "\"pv_mda_used_count\":\"0\", \"pv_allocatable\":\"\", \"pv_free\":\"20000000\""
          )
        ]
      ),
      (
        .notAllocatable, 0,
        [
          (
            "\"pv_mda_used_count\":\"0\"",
            "\"pv_mda_used_count\":\"0\", \"pv_allocatable\":\"\", \"pv_free\":\"50331648\""
          )
        ]
      ),
    ] as [(GroupTrouble.Reason?, UInt64, [(String, String)])])
  func hindrances(_ reason: GroupTrouble.Reason?, _ free: UInt64, _ changes: [(String, String)]) throws {
    let lines = Self.recorded.map { line in changes.reduce(line) { $1.0.isEmpty ? $0 : $0.replacing($1.0, with: $1.1) }
    }
    let group = try state(lines)
    #expect(group.hindrance?.reason == reason)
    #expect(group.free == ByteCount(free))
    #expect(group.hindrance?.message.hasPrefix("volume group \"fixture\" ") != false)
  }

  @Test("rows are read with and without a comma at the end, and other lines are ignored")
  func rows() throws {
    let lines = ["{", "  \"report\": [", "  {\"a\":\"1\", \"b\":\"x,y\"},", "{\"a\":\"2\"}", "  ]", "", "  }"]
    #expect(try LVMReport(lines: lines).rows == [["a": "1", "b": "x,y"], ["a": "2"]])
    #expect(try LVMReport(lines: []).rows.isEmpty)
  }

  @Test(
    "a thin pool has no complaint, one in LVM's words, or an unknown condition when it is not active",
    arguments: [
      ("0.00", "10.84", "", "", ""), ("", "", "", "unknown", nil), ("1", "2", "out_of_data", "", "out_of_data"),
      ("1", "2", "metadata_read_only", "check needed", "metadata_read_only, check needed"),
      ("", "", "failed", "unknown", "failed"),
    ] as [(String, String, String, String, String?)])
  func thinPool(data: String, metadata: String, health: String, check: String, complaint: String?) {
    let row = [
      "lv_name": "pool", "data_percent": data, "metadata_percent": metadata, "lv_health_status": health,
      "lv_check_needed": check,
    ]
    let fill = KnownGroup.ThinFill(row, readAt: .zero)
    #expect(fill.data == Double(data) && fill.metadata == Double(metadata))
    #expect(fill.complaint == complaint)
  }

  private static func volumeRow(tags: String) -> String {
    "                      {\"lv_name\":\"pvc-2\", \"lv_uuid\":\"u\", \"lv_size\":\"4194304\", \"lv_layout\":\"linear\", "
      + "\"lv_role\":\"public\", \"pool_lv\":\"\", \"lv_time\":\"1795231682\", \"lv_tags\":\"\(tags)\"}"
  }

  /// Tags as LVM sorts them, long enough for a row of exactly `length` characters.
  private static func row(ofLength length: Int, ending: String) -> String {
    let rest = length - volumeRow(tags: ending).count
    return volumeRow(tags: String(repeating: "a", count: rest) + ending)
  }

  @Test(
    "a row that was cut at 4,095 bytes, in its last value or after it, still shows its volume",
    arguments: [
      (4095, "not cut at all"), (4096, "the brace is missing"), (4097, "the quote and the brace are missing"),
      (4098, "the last character of a tag is missing"), (6000, "many tags are missing"),
    ])
  func cut(length: Int, remark: String) throws {
    let row = Self.row(ofLength: length, ending: ",elastic-local,elastic-local/retained")
    for line in [row, row + ","] {
      let group = try state(Array(Self.recorded.prefix(5)) + [String(line.prefix(4095))])
      #expect(group.volumes["pvc-2"]?.size == .mebibytes(4), "\(remark)")
    }
  }

  @Test("tags of a row that was cut are not used, because the retained mark may be missing")
  func cutTags() throws {
    for (tags, remark) in [
      ("elastic-local,elastic-local/creation=abcdefgh,elastic-local/retained", "the mark is cut off"),
      ("elastic-local-of-somebody-else", "the cut makes our tag of another's"),
    ] {
      let prefix = Self.volumeRow(tags: "").count - 2
      for length in prefix...(prefix + tags.count) {
        let line = String(Self.volumeRow(tags: tags).prefix(length))
        let volume = try #require(try state(Array(Self.recorded.prefix(5)) + [line]).volumes["pvc-2"])
        #expect(volume.marks == nil && !volume.isPlain, "\(remark): \(line.suffix(40))")
      }
    }
  }

  @Test(
    "text that is not a report is an error that says what was found",
    arguments: [
      ([#"{"vg_name":"fixture" "vg_uuid":"x"}"#], "a missing comma"),
      ([#"{"vg_name":"fixture", "vg_seqno":3}"#], "a number where LVM writes a string"),
      ([#"{"vg_name":"fixture", "vg_se"#], "cut within a key"),
      ([#"{"\"#], "hardly anything"),
    ])
  func garbage(_ lines: [String], _ remark: String) async throws {
    let error = await failure { () throws(VolumeError) in _ = try state(lines) }
    #expect(error?.code == .internal, "\(remark)")
  }

  @Test("a group that is missing from its report is not found")
  func missingGroup() async throws {
    let error = await failure { () throws(VolumeError) in _ = try state([#"{"vg_name":"other"}"#]) }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("fixture") == true)
  }

  @Test(
    "a report without a number where one belongs is refused, naming the field",
    arguments: ["vg_seqno", "vg_extent_size", "vg_size", "vg_free", "vg_mda_size", "vg_mda_free", "lv_size"])
  func missingNumber(_ field: String) async throws {
    for value in ["", "-1", "4.00m", "many"] {
      let lines = Self.recorded.map { line in
        guard let range = line.firstRange(of: "\"\(field)\":\"") else { return line }
        let end = line[range.upperBound...].firstIndex(of: "\"") ?? line.endIndex
        return line.replacingCharacters(range.upperBound..<end, with: value)
      }
      let error = await failure { () throws(VolumeError) in _ = try state(lines) }
      #expect(error?.code == .internal, "\(field) is \(value)")
      #expect(error?.message.contains(field) == true, "\(error?.message ?? "")")
    }
  }

  @Test(
    "only plain volumes that hold data of their own may be adopted",
    arguments: [
      ("linear", "public", true, "what the Go program made"),
      ("striped", "public", true, "a striped one"),
      ("raid,raid1", "public", true, "a mirrored one"),
      ("thin,sparse", "public", true, "a thin one"),
      ("linear", "public,origin,thickorigin", true, "one with snapshots"),
      ("linear", "public,snapshot,thicksnapshot", false, "a snapshot"),
      ("thin,sparse", "public,snapshot,thinsnapshot", false, "a thin snapshot"),
      ("thin,pool", "private", false, "a thin pool"),
      ("linear", "private,thin,pool,data", false, "a part of a pool"),
      ("cache", "public", false, "a cached one, whose data is in two places"),
      ("vdo,pool", "private", false, "a VDO pool"),
      ("unheard,of", "public", false, "what we do not know"),
      ("", "", false, "nothing known"),
    ])
  func plain(_ layout: String, _ role: String, _ isPlain: Bool, _ remark: String) {
    let volume = GroupState.Volume(
      name: "v", uuid: "u", size: .zero, layout: layout, role: role, pool: "", createdAt: nil, marks: nil)
    #expect(volume.isPlain == isPlain, "\(remark)")
  }

  @Test(
    "the virtual size of a pool counts every volume of it, foreign ones too, and thin ones take no space of the group")
  func thin() throws {
    let lines =
      Self.recorded + [
        #"{"lv_name":"t1", "lv_uuid":"u1", "lv_size":"100", "lv_layout":"thin,sparse", "lv_role":"public", "pool_lv":"pool", "lv_tags":"elastic-local"}"#,
        #"{"lv_name":"t2", "lv_uuid":"u2", "lv_size":"30", "lv_layout":"thin,sparse", "lv_role":"public", "pool_lv":"pool", "lv_tags":""}"#,
        #"{"lv_name":"t3", "lv_uuid":"u3", "lv_size":"7", "lv_layout":"thin,sparse", "lv_role":"public", "pool_lv":"other", "lv_tags":""}"#,
      ]
    let group = try state(lines)
    #expect(group.virtualSize(ofPool: "pool") == ByteCount(130))
    #expect(group.ours == .mebibytes(8))
  }

  @Test("a UUID that would end the quotes of a selection is refused", arguments: ["a\\\"b", "a b", "a'b", "a&&b"])
  func uuid(_ uuid: String) {
    let lines = Self.recorded.map { line in
      line.split(separator: "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D", omittingEmptySubsequences: false)
        .joined(separator: uuid)
    }
    let error = #expect(throws: VolumeError.self) { try state(lines) }
    #expect(error?.code == .internal)
    #expect(error?.message.contains("UUID of volume \"pvc-1\"") == true)
  }

  @Test("volumes that claim more than 64 bits hold in sum count as the largest possible size")
  func hugeVolumes() throws {
    let rows = (0..<3).map { number in
      "{\"lv_name\":\"v\(number)\",\"lv_uuid\":\"u\(number)\",\"lv_size\":\"18446744073709551615\",\"pool_lv\":\"\","
        + "\"lv_tags\":\"elastic-local\"}"
    }
    let lines = Self.recorded + rows
    #expect(try state(lines).ours == ByteCount(.max))
  }
}

extension String {
  fileprivate func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
