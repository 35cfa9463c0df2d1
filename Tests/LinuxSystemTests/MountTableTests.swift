import LinuxSystem
import Testing

@Suite("Mount table")
struct MountTableTests {
  private static let text = """
    22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
    36 22 98:0 /mnt1 /mnt2 ro,noatime master:1 shared:2 propagate_from:3 - ext3 /dev/root rw,errors=continue
    40 22 0:45 / /mnt/with\\040blank\\011tab\\134slash\\012line rw - tmpfs none rw,size=1k
    41 22 253:4 / /pods/a rw,relatime - xfs /dev/mapper/vg-a rw
    42 41 253:5 / /pods/a rw,relatime - xfs /dev/mapper/vg-b rw
    43 42 253:4 /sub /pods/a ro,nosuid - xfs /dev/mapper/vg-a rw
    44 22 0:50 / /pods/b rw - btrfs /dev/mapper/vg-c rw,subvolid=5,subvol=/
    45 22 0:51 / /pods/c rw - btrfs /dev/mapper/vg-d rw,subvolid=5,subvol=/
    46 22 253:4 /gone//deleted /pods/d rw - xfs /dev/mapper/vg-a rw
    47 22 253:4 / /pods/e//deleted rw - xfs /dev/mapper/vg-a rw
    48 22 0:60 / /empty rw -  rw
    49 22 0:61 / /emptysource rw - fuse.x  rw,user_id=0
    """

  private func table() throws -> MountTable {
    let lines = Self.text.split(separator: "\n").filter { !$0.hasPrefix("48 ") }
    return try MountTable(parsing: lines.joined(separator: "\n") + "\n")
  }

  @Test("all fields are read with any number of optional fields")
  func fields() throws {
    let entry = try #require(try table().at("/mnt2").first)
    #expect(entry.id == 36)
    #expect(entry.parentID == 22)
    #expect(entry.device == DeviceNumber(major: 98, minor: 0))
    #expect(entry.root == "/mnt1")
    #expect(entry.options == ["ro", "noatime"])
    #expect(entry.isReadOnly)
    #expect(entry.fileSystemType == "ext3")
    #expect(entry.source == "/dev/root")
    #expect(entry.superOptions == ["rw", "errors=continue"])
    #expect(try table().at("/").first?.isReadOnly == false)
  }

  @Test("peer groups are read with the optional fields in any order")
  func propagation() throws {
    let (root, second, private_) = (
      try table().at("/").first, try table().at("/mnt2").first, try table().at("/pods/b").first
    )
    #expect(root?.peerGroup == 1 && root?.masterGroup == nil)
    #expect(second?.peerGroup == 2 && second?.masterGroup == 1)
    #expect(private_?.peerGroup == nil && private_?.masterGroup == nil)
  }

  @Test("the mount of a path is the topmost of the deepest mounts, compared by whole components")
  func covering() throws {
    let table = try table()
    #expect(table.covering("/mnt2/x/y")?.id == 36)
    #expect(table.covering("/mnt2")?.id == 36)
    #expect(table.covering("/mnt23")?.id == 22)
    #expect(table.covering("/pods/a/b")?.id == 43)
    #expect(try MountTable(parsing: "5 1 0:5 / /a rw - t n rw").covering("/b") == nil)
  }

  @Test("octal escapes are decoded")
  func escapes() throws {
    #expect(try table().at("/mnt/with blank\ttab\\slash\nline").map(\.id) == [40])
  }

  @Test("stacked mounts are listed bottom first with the lines in any order")
  func layers() throws {
    #expect(try table().at("/pods/a").map(\.id) == [41, 42, 43])
    let reversed = Self.text.split(separator: "\n").filter { !$0.hasPrefix("48 ") }.reversed()
    #expect(try MountTable(parsing: reversed.joined(separator: "\n")).at("/pods/a").map(\.id) == [41, 42, 43])
  }

  @Test(
    "every mount at a path is listed once, whatever the IDs are",
    arguments: [
      (
        ["1 1 0:2 / / rw - rootfs rootfs rw", "22 1 254:0 / / rw - ext4 /dev/vda rw"], [1, 22], "the first of a machine"
      ),
      (["41 1 0:5 / /a rw - t n rw", "8 41 0:6 / /a rw - t n rw", "41 8 0:7 / /a rw - t n rw"], [41, 8, 41], "twice"),
      (["5 6 0:5 / /a rw - t n rw", "6 5 0:6 / /a rw - t n rw"], [5, 6], "in a circle"),
    ])
  func strangeNumbers(_ lines: [String], _ numbers: [Int], _ remark: String) throws {
    let table = try MountTable(parsing: lines.joined(separator: "\n"))
    #expect(table.at(try #require(table.entries.first).mountPoint).map(\.id) == numbers, "\(remark)")
  }

  @Test("removed roots and mount points are distinguished from existing ones")
  func deleted() throws {
    let root = try #require(try table().at("/pods/d").first)
    #expect(root.isRootDeleted && !root.isDeleted && root.root == "/gone")
    let point = try #require(try table().at("/pods/e").first)
    #expect(point.isDeleted && !point.isRootDeleted)
  }

  @Test("an empty source is a field too")
  func emptySource() throws {
    let entry = try #require(try table().at("/emptysource").first)
    #expect(entry.source.isEmpty)
    #expect(entry.superOptions == ["rw", "user_id=0"])
  }

  @Test("mounts below a directory do not include the directory or its namesakes")
  func below() throws {
    #expect(try table().below("/pods").map(\.id).sorted() == [41, 42, 43, 44, 45, 46, 47])
    #expect(try table().below("/pods/a").isEmpty)
    #expect(try table().below("/pod").isEmpty)
    #expect(try table().below("/").count == 10)
  }

  @Test(
    "a line that cannot be parsed is an error that quotes it",
    arguments: [
      "36 35 98:0 /mnt1 /mnt2 rw", "x 35 98:0 / /a rw - ext4 /dev/a rw", "36 35 98 / /a rw - ext4 /dev/a rw",
      "36 35 98:0 / /a rw master:1 ext4 /dev/a rw", "48 22 0:60 / /empty rw -  rw",
    ])
  func malformed(line: String) {
    #expect(throws: SystemError(operation: "parse mountinfo line", subject: line, errno: .invalid)) {
      try MountTable(parsing: line)
    }
  }

  @Test("the real table has a root")
  func real() throws {
    #expect(try !MountTable.current().at("/").isEmpty)
  }

  @Test("a pod's directory whose name begins with an accent is below its parent, and its mounts are found")
  func accents() throws {
    let table = try MountTable(
      parsing: """
        22 1 254:0 / / rw - ext4 /dev/vda rw
        36 22 254:0 /volumes/pvc-1/\u{301}x /pods/a/\u{301}y rw - ext4 /dev/vda rw
        37 22 0:5 / /pods/e\u{301} rw - tmpfs none rw,a=\u{e9},\u{301}b
        """)
    #expect(table.below("/pods/a").map(\.id) == [36])
    #expect(table.shows(try #require(table.identity(ofDirectory: "/volumes/pvc-1"))))
    #expect(!table.shows(try #require(table.identity(ofDirectory: "/volumes/pvc-2"))))
    #expect(table.at("/pods/\u{e9}").isEmpty, "the kernel knows no Unicode: another directory")
    #expect(table.at("/pods/e\u{301}").map(\.id) == [37])
    #expect(table.at("/pods/e\u{301}").first?.superOptions.count == 3)
    #expect(table.identity(ofDirectory: "/pods/e\u{301}/\u{301}z")?.root.utf8.elementsEqual("/\u{301}z".utf8) == true)
  }
}
