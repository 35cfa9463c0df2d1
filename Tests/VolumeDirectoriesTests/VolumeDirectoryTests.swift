import TestSupport
import Testing

@testable import VolumeDirectories

@Suite("Directories within a volume")
struct VolumeDirectoryTests {
  /// Expected values by Python: `hashlib.sha256(name.encode()).hexdigest()[:32]`.
  static let named: [(name: String, digits: String, remark: String)] = [
    ("data", "3a6eb0790f39ac87c94f3856b2dd2c5d", "a word"),
    ("Data", "cec3a9b89b2e391393d0f68e4bc12a9f", "another, by its case"),
    ("data ", "f1429c0e820b1445758ef77502f593e3", "a blank counts"),
    ("postgres_data", "0e380eb5c1e7b9fac11bf9486064d9ce", "as Compose names volumes"),
    ("../../etc", "74ccf3c5b4c19a8167f9a3d1dd63e0e4", "a way up is hashed as anything else"),
    ("\u{FC}", "607474ca475a9724d7360aba71a56d5d", "an umlaut in one code point"),
    ("u\u{308}", "f6a166c825947779f740e71de9b4c25f", "the same in two is another name"),
    ("\u{1F600}", "f0443a342c5ef54783a111b51ba56c93", "four bytes"),
    (String(repeating: "x", count: 300), "0d4e2ca9e9cbced7a7a5380eb29e1a37", "longer than a component may be"),
  ]

  @Test("a named volume has the first 32 digits of its name's SHA-256, below volume/:", arguments: named)
  func names(_ row: (name: String, digits: String, remark: String)) throws {
    #expect(try VolumeDirectory.named(row.name).path == "volume/\(row.digits)", "\(row.remark)")
  }

  @Test("an anonymous volume has the digits of service and target for its name, and is found as a named one")
  func anonymous() throws {
    let name = try VolumeDirectory.anonymousName(service: "web", target: "/var/lib/data")
    #expect(name == "ad63e36b91bda3972286133604b82b80")
    let directory = try VolumeDirectory.anonymous(service: "web", target: "/var/lib/data")
    #expect(directory.path == "volume/7c4f7ddb38d91b9f6acd90cf4d4c17c1")
    #expect(try directory == VolumeDirectory.named(name))
  }

  @Test("no two pairs of service and target are the same text: no service has a slash, each target begins with one")
  func pairs() throws {
    #expect(
      try VolumeDirectory.anonymousName(service: "a-b", target: "/c") == "34117c09cdc32511d6459e134499146d")
    #expect(throws: VolumeDirectoryError.relativeTarget("b-/c")) {
      try VolumeDirectory.anonymous(service: "a", target: "b-/c")
    }
    #expect(throws: VolumeDirectoryError.slashInService("a-/b")) {
      try VolumeDirectory.anonymous(service: "a-/b", target: "/c")
    }
    #expect(
      try VolumeDirectory.anonymous(service: "a", target: "/c")
        != VolumeDirectory.anonymous(service: "a", target: "/c/"))
  }

  @Test("what has no name has no directory")
  func nameless() {
    #expect(throws: VolumeDirectoryError.emptyName) { try VolumeDirectory.named("") }
    #expect(throws: VolumeDirectoryError.emptyName) { try VolumeDirectory.anonymous(service: "", target: "/c") }
  }

  static let binds: [(path: String, directory: String, remark: String)] = [
    ("/home/me/src", "bind/home/me/src", "absolute, as on the user's machine"),
    ("home/me/src", "bind/home/me/src", "relative: the same directory"),
    ("//home///me/src/", "bind/home/me/src", "repeated slashes, and one at the end"),
    ("/./home/./me/src/.", "bind/home/me/src", "dots"),
    ("/home/.config/...", "bind/home/.config/...", "names that begin with dots"),
    ("/a/\u{308}b", "bind/a/\u{308}b", "an accent behind a slash: one character for Swift, a component of its own"),
    ("/a b/c\\d", "bind/a b/c\\d", "blanks and backslashes are ordinary"),
    ("/bind", "bind/bind", "a directory of that name"),
    (
      "/" + String(repeating: "x", count: 255), "bind/" + String(repeating: "x", count: 255),
      "the longest component"
    ),
  ]

  @Test("a path is bound below bind/, cleaned:", arguments: binds)
  func bound(_ row: (path: String, directory: String, remark: String)) throws {
    let found = try VolumeDirectory.bind(row.path).path
    #expect(found.utf8.elementsEqual(row.directory.utf8), "\(row.remark): \(found)")
  }

  static let refused: [(path: String, error: VolumeDirectoryError)] = [
    ("", .emptyPath("")), ("/", .emptyPath("/")), ("//.//", .emptyPath("//.//")), (".", .emptyPath(".")),
    ("..", .parentComponent("..")), ("/..", .parentComponent("/..")),
    ("/a/../b", .parentComponent("/a/../b")), ("a/..", .parentComponent("a/..")),
    ("/../\u{308}b", .parentComponent("/../\u{308}b")),
    ("/a\0/b", .controlCharacter(0, in: "/a\0/b")), ("/a\nb", .controlCharacter(10, in: "/a\nb")),
    ("/a\r\nb", .controlCharacter(13, in: "/a\r\nb")), ("/a\u{7F}", .controlCharacter(127, in: "/a\u{7F}")),
    ("/" + String(repeating: "x", count: 256), .componentTooLong(String(repeating: "x", count: 256))),
    (
      // 128 of 2 bytes: Swift counts 128 characters.
      "/" + String(repeating: "\u{FC}", count: 128), .componentTooLong(String(repeating: "\u{FC}", count: 128))
    ),
    (String(repeating: "/" + String(repeating: "x", count: 99), count: 36), .pathTooLong(bytes: 3599)),
  ]

  @Test("a path that would leave bind/, or that no file system has, is refused:", arguments: refused)
  func refusedPaths(_ row: (path: String, error: VolumeDirectoryError)) {
    #expect(throws: row.error) { try VolumeDirectory.bind(row.path) }
  }

  @Test("the longest path is 3,584 bytes with bind/, and one more is refused")
  func longest() throws {
    let prefix = String(repeating: String(repeating: "x", count: 199) + "/", count: 17)
    let longest = prefix + String(repeating: "y", count: 3584 - 5 - prefix.utf8.count)
    #expect(try VolumeDirectory.bind(longest).path.utf8.count == 3584)
    #expect(throws: VolumeDirectoryError.pathTooLong(bytes: 3580)) { try VolumeDirectory.bind(longest + "y") }
  }

  @Test(
    "whatever the path: its directory is below bind/, without empty components, dots and control characters; its own path is it again",
    arguments: 0..<8)
  func generated(seed: UInt64) {
    var dice = Dice(seed: seed)
    let pieces = ["/", "//", ".", "..", "a", "b", "\u{308}", "\u{FC}", " ", "\\", "\0", "\n", "~", "bind", "...", "-"]
    for _ in 0..<5000 {
      let path = (0..<(dice.next() % 8)).map { _ in dice.pick(pieces) }.joined()
      guard let directory = try? VolumeDirectory.bind(path).path else { continue }
      let components = directory.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      #expect(components.count > 1 && components[0].elementsEqual("bind".utf8), "\(path.debugDescription)")
      #expect(
        components.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) },
        "\(path.debugDescription)")
      #expect(directory.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(path.debugDescription)")
      // What is clean stays as it is.
      let rest = String(decoding: directory.utf8.dropFirst("bind/".utf8.count), as: UTF8.self)
      let again = try? VolumeDirectory.bind(rest).path
      #expect(again?.utf8.elementsEqual(directory.utf8) == true, "\(path.debugDescription)")
    }
  }

  @Test("each error says in one line what was found and what to do")
  func messages() {
    let errors =
      Self.refused.map(\.error) + [.emptyName, .slashInService("a/b"), .relativeTarget("x"), .digestUnavailable]
    for error in errors {
      #expect(!error.description.isEmpty && !error.description.utf8.contains { $0 < 0x20 }, "\(error)")
    }
  }
}
