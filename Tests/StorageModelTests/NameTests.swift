import StorageModel
import Testing

@Suite("Names")
struct NameTests {
  @Test(
    "a volume's name is valid for LVM and as part of a path",
    arguments: [
      ("pvc-0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f", "a provisioned one"), ("a", "one letter"), ("0", "one digit"),
      ("A.b_c+d-e", "all characters"), ("a..b", "two dots inside"), ("a-", "a hyphen at the end"),
      (String(repeating: "n", count: 112), "the longest"), ("snap", "only the start of a reserved word"),
      ("asnapshot", "a reserved word that does not begin it"), ("cdata", "without the underscore"),
    ])
  func valid(_ text: String, _ remark: String) throws {
    let name = try VolumeName(text)
    #expect(name.text == text && name.description == text, "\(remark)")
  }

  @Test(
    "a text that could be another path, a switch, or a name of LVM's is not a volume's name",
    arguments: [
      ("", "nothing"), (".", "the directory itself"), ("..", "the way up"), (".hidden", "a dot in front"),
      ("-y", "a switch"), ("--config", "a switch"), ("_a", "an underscore in front"), ("+a", "a plus in front"),
      ("a/b", "a slash"), ("a b", "a blank"), ("a\tb", "a tab"), ("a\nb", "a line break"), ("a\u{0}b", "a NUL"),
      ("a\"b", "a quote"), ("a'b", "a single quote"), ("a\\b", "a backslash"), ("a=b", "an equals sign"),
      ("a,b", "a comma"), ("a:b", "a colon"), ("a@b", "an at sign"), ("a#b", "a hash"), ("a%b", "a per cent sign"),
      ("ä", "a letter of another alphabet"), ("aａ", "a wide letter"), ("a\u{301}", "a combining accent"),
      ("e\u{301}", "a letter that looks plain"), ("a\u{200B}b", "an invisible character"),
      (String(repeating: "n", count: 113), "one too long"), (String(repeating: "n", count: 4096), "far too long"),
      ("snapshot1", "LVM's"), ("pvmove0", "LVM's"), ("a_tdata", "LVM's"), ("a_tmeta", "LVM's"), ("a_rimage_0", "LVM's"),
      ("a_mlog", "LVM's"), ("a_cdata", "LVM's"), ("a_pmspare", "LVM's"), ("a_corig", "LVM's"), ("a_vorigin", "LVM's"),
      ("a_cvol", "LVM's"), ("a_rmeta_1", "LVM's"), ("a_mimage_1", "LVM's"), ("a_wcorig", "LVM's"), ("a_imeta", "LVM's"),
      ("a_iorig", "LVM's"), ("a_vdata", "LVM's"), ("a_cmeta", "LVM's"), ("a_cpool", "LVM's"),
    ])
  func invalid(_ text: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try VolumeName(text) }
    #expect(error?.code == .invalid, "\(remark)")
    #expect(error?.message.contains("\n") == false && (error?.message.count ?? 0) < 400, "\(remark)")
  }

  @Test("a group's name and a pod's UID are plain words")
  func groupsAndPods() throws {
    for text in ["elastic-local-vg", "a", "0.x_y+z", String(repeating: "g", count: 112)] {
      #expect(try VolumeGroupName(text).text == text)
      #expect(try PodUID(text).text == text)
    }
    for text in ["", ".", "..", "-a", "a/b", "a b", "ä", "a\u{0}", "a\"", String(repeating: "g", count: 254)] {
      #expect(throws: VolumeError.self, "\(text)") { try VolumeGroupName(text) }
      #expect(throws: VolumeError.self, "\(text)") { try PodUID(text) }
    }
    #expect(throws: VolumeError.self) { try VolumeGroupName(String(repeating: "g", count: 113)) }
    #expect(try PodUID("8a1c4cbd3b1c4cbd8a1c4cbd3b1c4cbd").text.count == 32)
  }

  @Test(
    "a claim's UID is a lowercase UUID, and nothing similar",
    arguments: [
      ("0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f", true, "a UUID"),
      ("0F3B6C1E-8D2A-4C55-9E0F-1A2B3C4D5E6F", false, "capitals"),
      ("0f3b6c1e8d2a4c559e0f1a2b3c4d5e6f", false, "no hyphens"),
      ("0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6", false, "short"),
      ("0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f0", false, "long"), ("gf3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f", false, "a g"),
      ("0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f\n", false, "a line break"), ("", false, "nothing"),
      ("0f3b6c1-e8d2a-4c55-9e0f-1a2b3c4d5e6f", false, "hyphens elsewhere"),
    ])
  func claims(_ text: String, _ isValid: Bool, _ remark: String) {
    #expect((ClaimUID(text) != nil) == isValid, "\(remark)")
  }

  @Test("the claim of a provisioned volume is in its name, and no other name has one")
  func provisioned() throws {
    let uid = "0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"
    #expect(ClaimUID(provisioned: try VolumeName("pvc-\(uid)"))?.text == uid)
    for text in [uid, "pvc-\(uid)-x", "pvc-", "PVC-\(uid)", "data"] {
      #expect(try ClaimUID(provisioned: VolumeName(text)) == nil, "\(text)")
    }
  }

  @Test(
    "text from outside becomes one printable line of at most 80 characters",
    arguments: [
      ("plain", "\"plain\"", "as it is"), ("", "\"\"", "nothing"), ("a\"b\\c", "\"a\\\"b\\\\c\"", "quotes"),
      ("a\nb\rc\td", "\"a\\u{a}b\\u{d}c\\u{9}d\"", "control characters"),
      ("\u{0}\u{1B}[31m", "\"\\u{0}\\u{1b}[31m\"", "a terminal's"),
      ("\u{7F}\u{9B}", "\"\\u{7f}\\u{9b}\"", "further controls"),
      ("a\u{2028}b\u{2029}", "\"a\\u{2028}b\\u{2029}\"", "line separators"),
      ("ü→", "\"ü→\"", "other letters stay"),
      (String(repeating: "x", count: 80), "\"" + String(repeating: "x", count: 80) + "\"", "just fits"),
      (String(repeating: "x", count: 81), "\"" + String(repeating: "x", count: 80) + "…\"", "is cut"),
    ])
  func quotedText(_ text: String, _ result: String, _ remark: String) {
    #expect(quoted(text) == result, "\(remark)")
  }
}
