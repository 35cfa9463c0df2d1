import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Ownership of a volume's files", .enabled(if: geteuid() == 0, "skipped: needs root"))
struct OwnershipTests {
  private let directory: TemporaryDirectory
  private let files = LinuxFiles()
  private static let group: UInt32 = 3000

  init() throws {
    directory = try TemporaryDirectory()
    try directory.directory("v/sub")
    try directory.file("v/sub/file")
    set("v", group: 0, mode: 0o755)
    set("v/sub", group: 0, mode: 0o700)
    set("v/sub/file", group: 0, mode: 0o600)
  }

  private func set(_ name: String, group: UInt32, mode: UInt32) {
    #expect(chown(directory[name], 0, group) == 0)
    #expect(chmod(directory[name], mode) == 0)
  }

  private func look(_ name: String) -> (user: UInt32, group: UInt32, mode: UInt32) {
    var status = stat()
    #expect(lstat(directory[name], &status) == 0)
    return (status.st_uid, status.st_gid, status.st_mode & 0o7777)
  }

  private func own(_ policy: OwnershipPolicy = .always, readOnly: Bool = false, links: Bool = true) async throws {
    try await files.setOwnership(
      of: directory["v"],
      VolumeOwnership(group: Self.group, policy: policy, readOnly: readOnly, includesLinks: links))
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let policy: OwnershipPolicy
    let group: UInt32
    let mode: UInt32
    let walks: Bool
    var testDescription: String { "\(policy) group \(group) mode \(String(mode, radix: 8))" }
  }

  static let rows = [
    Row(policy: .always, group: 3000, mode: 0o2770, walks: true),
    Row(policy: .always, group: 3000, mode: 0o0770, walks: true),
    Row(policy: .onRootMismatch, group: 3000, mode: 0o0770, walks: true),
    Row(policy: .onRootMismatch, group: 0, mode: 0o2770, walks: true),
    Row(policy: .onRootMismatch, group: 3000, mode: 0o2750, walks: true),
    Row(policy: .onRootMismatch, group: 3000, mode: 0o2660, walks: true),
    Row(policy: .onRootMismatch, group: 0, mode: 0o0755, walks: true),
    Row(policy: .onRootMismatch, group: 3000, mode: 0o2770, walks: false),
  ]

  @Test(
    "The walk is skipped only with 'OnRootMismatch' and the right group, access and set-group-ID bit at the root",
    arguments: rows)
  func skipping(row: Row) async throws {
    set("v", group: row.group, mode: row.mode)
    try await own(row.policy)
    #expect((look("v/sub/file").group == Self.group) == row.walks)
  }

  @Test("The group and its access are added; the owner and all else stay")
  func added() async throws {
    set("v/sub/file", group: 0, mode: 0o4601)
    try await own()
    #expect(look("v/sub/file") == (0, Self.group, 0o4661))
    #expect(look("v/sub") == (0, Self.group, 0o2770))
    #expect(look("v") == (0, Self.group, 0o2775))
  }

  @Test("For a read-only volume, write access is not added")
  func readOnly() async throws {
    try await own(readOnly: true)
    #expect(look("v/sub/file").mode == 0o640)
    #expect(look("v/sub").mode == 0o2750)
  }

  @Test(
    "A symbolic link gets the group itself and is not followed; old releases leave it alone", arguments: [true, false])
  func links(includes: Bool) async throws {
    try directory.file("outside")
    set("outside", group: 0, mode: 0o600)
    try directory.directory("elsewhere")
    try Files.replaceWithSymbolicLink(directory["v/link"], to: directory["outside"])
    try Files.replaceWithSymbolicLink(directory["v/tree"], to: directory["elsewhere"])
    try await own(links: includes)
    #expect(look("v/link").group == (includes ? Self.group : 0))
    #expect(look("v/tree").group == (includes ? Self.group : 0))
    #expect(look("outside") == (0, 0, 0o600))
    #expect(look("elsewhere").group == 0)
  }

  @Test("With 'Always' a wrong directory is corrected although the root is right")
  func rogue() async throws {
    try await own()
    set("v/sub", group: 1, mode: 0o700)
    try await own(.onRootMismatch)
    #expect(look("v/sub") == (0, 1, 0o700))
    try await own(.always)
    #expect(look("v/sub") == (0, Self.group, 0o2770))
  }

  @Test("A missing volume is an error")
  func missing() async {
    await #expect(throws: HostError("open", directory["none"], code: ENOENT)) {
      try await files.setOwnership(of: directory["none"], VolumeOwnership(group: 1))
    }
  }

  @Test("Names that are not text, deep trees and many entries are walked")
  func hard() async throws {
    let odd: [CChar] = Array((directory["v"] + "/").utf8CString.dropLast()) + [-1, -2, 0]
    #expect(mkdir(odd, 0o700) == 0)
    var path = "v"
    for _ in 0..<100 { path += "/d" }
    try directory.directory(path)
    for index in 0..<2000 { try directory.file("v/sub/\(index)") }
    try await own()
    #expect(look(path).group == Self.group)
    #expect(look("v/sub/1999").mode & 0o660 == 0o660)
    var status = stat()
    #expect(lstat(odd, &status) == 0 && status.st_gid == Self.group)
  }

  @Test("Directories are walked to a depth of 490; a deeper directory ends the walk with an error that names the limit")
  func depth() async throws {
    try directory.directory("v/" + Array(repeating: "d", count: 490).joined(separator: "/"))
    try await own()
    #expect(look("v/" + Array(repeating: "d", count: 490).joined(separator: "/")).group == Self.group)
    try directory.directory("v/" + Array(repeating: "d", count: 600).joined(separator: "/"))
    let error = await #expect(throws: HostError.self) { try await own() }
    #expect(error?.reason == "directories deeper than 500 levels are not followed")
  }
}
