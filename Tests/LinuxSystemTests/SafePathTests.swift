import Glibc
@testable import LinuxSystem
import TestSupport
import Testing

@Suite("Safe paths")
struct SafePathTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    _ = try directory.directory("root/a/b")
    _ = try directory.directory("outside/c")
    try directory.write("x", to: "root/a/file")
    symlink(directory["outside"], directory["root/link"])
    symlink("b", directory["root/a/inner"])
    symlink(directory["root"], directory["rootLink"])
  }

  private func reason(_ components: String..., root: String = "root") -> Errno? {
    failure { () throws(SystemError) in
      _ = try SafePath.openDirectory(root: directory[root], components: components)
    }
  }

  @Test("a plain directory opens, and its path is the real path even if the root is a link")
  func plain() throws {
    let target = try SafePath.openDirectory(root: directory["rootLink"], components: ["a", "b"])
    #expect(target.path == directory["root/a/b"])
    #expect(try Files.realPath(target.procPath) == directory["root/a/b"])
    let root = try SafePath.openDirectory(root: directory["root"], components: [])
    #expect(root.path == directory["root"])
    #expect(try SafePath.openDirectory(root: "/", components: ["proc"]).path == "/proc")
  }

  @Test("links below the root are rejected: last or in between, to inside or outside the root")
  func links() {
    #expect(reason("link") == .loop)
    #expect(reason("link", "c") == .loop)
    #expect(reason("a", "inner") == .loop)
  }

  @Test("names that are not one plain component are rejected", arguments: ["", ".", "..", "a/b", "/", "a\0b", "../x"])
  func names(component: String) {
    #expect(reason(component) == .invalid)
    #expect(reason("a", component) == .invalid)
  }

  @Test("magic links of /proc are rejected")
  func magic() {
    let reason = failure { () throws(SystemError) in
      _ = try SafePath.openDirectory(root: "/proc/self", components: ["root", "etc"])
    }
    #expect(reason == .loop)
  }

  @Test("a missing directory and a file in its place are different errors")
  func missing() throws {
    #expect(reason("nothing") == .noEntry)
    #expect(reason("a", "file") == .notDirectory)
    #expect(reason("a", root: "nothing") == .noEntry)
    #expect(try SafePath.exists(root: directory["root"], components: ["a", "b"]))
    #expect(try !SafePath.exists(root: directory["root"], components: ["a", "nothing"]))
    #expect(try !SafePath.exists(root: directory["nothing"], components: ["a"]))
    #expect(throws: SystemError.self) { try SafePath.exists(root: directory["root"], components: ["link"]) }
  }

  @Test("the code for old kernels rejects the same paths")
  func stepwise() throws {
    let root = try Descriptor.open(directory["root"], O_RDONLY | O_DIRECTORY)
    func reason(_ components: String...) -> Errno? {
      failure { () throws(SystemError) in
        _ = try SafePath.resolveStepwise(components, below: root.rawValue, path: "test")
      }
    }
    #expect(reason("a", "b") == nil)
    #expect(reason("link") == .loop)
    #expect(reason("link", "c") == .loop)
    #expect(reason("a", "inner") == .loop)
    #expect(reason("a", "file") == .notDirectory)
    #expect(reason("nothing") == .noEntry)
  }
}
