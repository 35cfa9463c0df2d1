import StorageModel
import Testing

@testable import LogicalVolumes

@Suite("LVM commands")
struct LVMCommandTests {
  private let volume: VolumeName
  private let group: VolumeGroupName
  private let pool: VolumeName

  init() throws {
    volume = try VolumeName("pvc-1")
    group = try VolumeGroupName("vg-0")
    pool = try VolumeName("pool")
  }

  @Test("each command has exactly these words")
  func words() throws {
    let tags = ["elastic-local", "elastic-local/volume=pvc-1"]
    let rows: [(LVMCommand, String, Comment)] = [
      (
        .createThick(volume, in: group, size: .mebibytes(8), tags: tags, wipe: true),
        "lvcreate -y -Wy -Zy -n pvc-1 -L 8388608b --addtag elastic-local --addtag elastic-local/volume=pvc-1 vg-0",
        "signatures of earlier tenants are wiped"
      ),
      (
        .createThick(volume, in: group, size: .mebibytes(8), tags: [], wipe: false),
        "lvcreate -y -Wn -Zn -n pvc-1 -L 8388608b vg-0", "without wiping"
      ),
      (
        .createThin(volume, in: group, pool: pool, size: ByteCount(512), tags: tags),
        "lvcreate -y -V 512b --thinpool pool -n pvc-1 --addtag elastic-local --addtag elastic-local/volume=pvc-1 vg-0",
        "a thin volume"
      ),
      (
        .clone(try VolumeName("pvc-0"), as: volume, in: group, tags: tags),
        "lvcreate -y -s --setactivationskip n -n pvc-1 --addtag elastic-local --addtag elastic-local/volume=pvc-1 vg-0/pvc-0",
        "a thin snapshot: a size would make it a thick one"
      ),
      (
        .origin(of: volume, in: group), "lvs --reportformat json -o lv_name,origin_uuid vg-0/pvc-1",
        "what a snapshot was taken of"
      ),
      (
        .extend(volume, in: group, to: .gibibytes(2)), "lvextend -y -L 2147483648b vg-0/pvc-1",
        "an absolute size: again is harmless, and it never shrinks"
      ),
      (
        .remove(volume, in: group, uuid: "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D"),
        #"lvremove -y --select "lv_uuid=UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D&&lv_tags=elastic-local"#
          + #"&&lv_tags!=elastic-local/retained&&lv_role!=thickorigin" vg-0/pvc-1"#,
        "only this instance, only with our tag, neither retained nor with snapshots"
      ),
      (
        .change(volume, in: group, adding: tags),
        "lvchange -y --addtag elastic-local --addtag elastic-local/volume=pvc-1 vg-0/pvc-1", "adopting"
      ),
      (
        .change(volume, in: group, removing: ["elastic-local/retained"]),
        "lvchange -y --deltag elastic-local/retained vg-0/pvc-1", "clearing a mark"
      ),
      (.activate(volume, in: group), "lvchange -y -ay -K vg-0/pvc-1", "one volume"),
      (
        .activateOurs(in: group), #"lvchange -y -ay -K --select "lv_tags=elastic-local" vg-0"#,
        "ours and no foreign one"
      ),
      (
        .deactivatePartsOfPool(pool, in: group), "lvchange -y -an vg-0/pool_tmeta vg-0/pool_tdata",
        "what a pool is made of"
      ),
      (.refresh(pool, in: group), "lvchange -y --refresh vg-0/pool", "resumes a pool"),
      (.makeNodes(in: group), "vgmknodes vg-0", "nodes"),
      (
        .poolUse(pool, in: group),
        "lvs --reportformat json --units b --nosuffix -o lv_name,data_percent,metadata_percent,lv_health_status,lv_check_needed "
          + "vg-0/pool", "how full and how well"
      ),
      (
        .permissions(volume, in: group), "lvs --reportformat json -o lv_name,lv_permissions vg-0/pvc-1",
        "who made it read-only"
      ),
      (
        .allGroups, "vgs --foreign --reportformat json -o vg_name,vg_uuid,vg_systemid",
        "which groups there are, other hosts' too"
      ),
      (.allDevices, "pvs --foreign --reportformat json -o pv_name,vg_uuid", "whose each disk is"),
      (
        .writeConfiguration("global{use_aio=0}", to: "/var/lib/elastic-local/lvm/lvm.conf"),
        "config --type current --mergedconfig --config 'global{use_aio=0}' --file /var/lib/elastic-local/lvm/lvm.conf",
        "our configuration"
      ),
    ]
    for (command, line, remark) in rows {
      #expect(command.line == line, remark)
      #expect(command.description == line, remark)
      #expect(command.name == String(line.prefix { $0 != " " }), remark)
    }
  }

  @Test("a report requests the tags last, because a row is cut at its end, and names no other group")
  func groupReport() {
    let words = LVMCommand.groupReport(of: group).words
    #expect(words.first == "fullreport")
    #expect(words.last == "vg-0")
    let fields = words.first { $0.hasPrefix("lv_name,") }
    #expect(fields?.hasSuffix(",lv_tags") == true)
    #expect(words.contains("--nosuffix") && words.contains("--units"))
  }

  @Test("a command can be limited to some disks, by paths that are always one word")
  func devices() {
    let command = LVMCommand.activate(volume, in: group)
    let filter = ##"["a|^/dev/sda$|","a|^/dev/mapper/a[.]b$|","r|.*|"]"##
    #expect(
      command.seeingOnly(["/dev/sda", "/dev/mapper/a.b"])?.line
        == "lvchange --config 'devices{use_devicesfile=0 filter=\(filter) global_filter=\(filter)}' -y -ay -K vg-0/pvc-1"
    )
    #expect(command.seeingOnly(["/dev/sda"])?.group == group)
    for path in [
      "/dev/s d", "/dev/sda,/dev/sdb", "/dev/\"a", "/dev/'a", "/dev/ä", "", "/dev/a|", "/dev/*", "[unknown]",
    ] {
      #expect(command.seeingOnly([path]) == nil, "\(path)")
    }
    #expect(LVMCommand.allGroups.group == nil)
  }

  @Test("no name that passes the check can add a word, a switch, a selection or a setting to a command")
  func names() {
    let texts = [
      "a b", "a\"b", "a'b", "a\\b", "--config", "-y", "a\nb", "a\tb", "a/b", "a&&b", "a=b", "a;b", "a$b", "a`b`", "ä",
      "",
    ]
    for text in texts {
      #expect(throws: VolumeError.self, "volume \(text)") { try VolumeName(text) }
      #expect(throws: VolumeError.self, "group \(text)") { try VolumeGroupName(text) }
    }
  }

  @Test("a word with a blank, a quote, a backslash or a control character ends the process rather than reach LVM")
  func unfitWords() async {
    await #expect(processExitsWith: .failure) {
      _ = LVMCommand.change(try VolumeName("v"), in: try VolumeGroupName("g"), adding: ["a b"])
    }
    await #expect(processExitsWith: .failure) {
      _ = LVMCommand.change(try VolumeName("v"), in: try VolumeGroupName("g"), adding: ["a\"b"])
    }
    await #expect(processExitsWith: .failure) {
      _ = LVMCommand.remove(try VolumeName("v"), in: try VolumeGroupName("g"), uuid: "x\" --force \"")
    }
    await #expect(processExitsWith: .failure) {
      _ = LVMCommand.writeConfiguration("global{} ' --force '", to: "/tmp/x")
    }
    await #expect(processExitsWith: .failure) {
      _ = LVMCommand.writeConfiguration("global{}", to: "/tmp/with blank")
    }
  }

  @Test("tags contain all marks and are read back, whatever other tags a volume has")
  func tags() throws {
    let claim = try claim()
    let token = try token()
    let rows: [(ClaimUID?, CreationToken?, Comment)] = [
      (claim, token, "a volume of a claim"), (nil, token, "an inline volume"), (claim, nil, "an adopted volume"),
      (nil, nil, "an adopted volume without a claim"),
    ]
    for (claim, creation, remark) in rows {
      let tags = VolumeTags.tags(volume: volume, claim: claim, creation: creation)
      #expect(tags.first == "elastic-local", remark)
      #expect(tags.contains("elastic-local/volume=pvc-1"), remark)
      let read = tags.map { Substring($0) }
      #expect(VolumeTags.marks(in: read) == StoredVolume.Marks(claim: claim, creation: creation), remark)
      let among = (["backup", "team=a"] + tags + [VolumeTags.retained]).map { Substring($0) }
      #expect(
        VolumeTags.marks(in: among) == StoredVolume.Marks(claim: claim, creation: creation, isRetained: true), remark)
      #expect(tags.allSatisfy { $0.utf8.count <= 1024 && LVMTag.isValid($0) }, remark)
    }
    let longest = try VolumeName(String(repeating: "v", count: VolumeName.maximumLength))
    #expect(VolumeTags.tags(volume: longest, claim: claim, creation: token).allSatisfy(LVMTag.isValid))
  }

  @Test(
    "without our tag, exactly, a volume is foreign",
    arguments: [
      ([], "no tags"),
      (["elastic-local/volume=pvc-1", "elastic-local/creation=abcdefgh"], "all but the product's"),
      (["elastic-local2"], "longer"), (["elastic"], "shorter"), (["Elastic-Local"], "other letters"),
      (["x/elastic-local"], "behind something"), (["elastic-local/retained"], "only a mark"),
    ])
  func foreign(_ tags: [String], _ remark: String) {
    #expect(VolumeTags.marks(in: tags.map { Substring($0) }) == nil, "\(remark)")
  }

  @Test("a tag of ours with an invalid value is neither claim nor token")
  func senseless() {
    let tags: [Substring] = ["elastic-local", "elastic-local/claim=nobody", "elastic-local/creation=x"]
    #expect(VolumeTags.marks(in: tags) == StoredVolume.Marks(claim: nil, creation: nil))
  }
}

/// lvm(8), "TAGS".
private enum LVMTag {
  static func isValid(_ tag: String) -> Bool {
    let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-/=!:#&"
    return !tag.hasPrefix("-") && tag.allSatisfy { allowed.contains($0) }
  }
}
