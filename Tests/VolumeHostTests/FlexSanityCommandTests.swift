import Foundation
import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("flex-sanity's command line")
struct FlexSanityCommandTests {
  /// The executable beside this test.
  private static let command: String = {
    let test = Files.linkTarget("/proc/self/exe") ?? ""
    return URL(filePath: test).deletingLastPathComponent().appending(path: "flex-sanity").path
  }()

  /// The command needs root: it mounts, as a kubelet does.
  private static var root: ConditionTrait { .enabled(if: geteuid() == 0, "skipped: needs root") }

  private func run(_ arguments: [String], seconds: Int = 60) throws -> ChildResult {
    try ChildProcess.run(Self.command, arguments, deadline: .seconds(seconds))
  }

  private func driver(_ script: String) throws -> (TemporaryDirectory, String) {
    let directory = try TemporaryDirectory()
    return (directory, try directory.executable("driver", script))
  }

  private static let quiet = #"""
    case $1 in init) echo '{"status":"Success","capabilities":{"attach":false}}' ;;
    *) echo '{"status":"Not supported"}' ;; esac
    """#

  @Test(
    "A driver or option that cannot be used is reported with exit code 2",
    arguments: [
      ["/nonexistent"], ["/etc"], ["/etc/passwd"], [], ["--kubernetes-version", "1.99", "/bin/true"], ["--no-such"],
      ["--timeout", "soon", "/bin/true"], ["/bin/true", "/bin/false"], ["--filter", "no-such-case", "/bin/true"],
    ])
  func usage(arguments: [String]) throws {
    let result = try run(arguments)
    #expect(result.status == .exited(2) && result.output.hasPrefix("flex-sanity: "), "\(result.output)")
  }

  @Test(
    "Without root the command says so once with exit code 2 and blames no driver",
    .enabled(if: canDropRoot, "skipped: needs root and setpriv"))
  func unprivileged() throws {
    let words = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", Self.command, "/bin/true"]
    let result = try ChildProcess.run("/usr/bin/setpriv", words, deadline: .seconds(60))
    #expect(result.status == .exited(2) && result.output.hasPrefix("flex-sanity: must run as root"), "\(result.output)")
    #expect(!result.output.contains("FAILED"))
  }

  private static var canDropRoot: Bool { geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 }

  @Test("A missing root directory is rejected with exit code 2 and not created", Self.root)
  func missingRoot() throws {
    let directory = try TemporaryDirectory()
    let result = try run(["--root", directory["above/root"], "/bin/true"])
    #expect(result.status == .exited(2) && result.output.contains("is not a directory"), "\(result.output)")
    #expect(try Files.list(directory.path) == [])
  }

  @Test(
    "The last line has the counts, the exit code is 0 if nothing failed, and the scratch directory is removed",
    Self.root)
  func passes() throws {
    let (directory, path) = try driver(Self.quiet)
    defer { withExtendedLifetime(directory) {} }
    let before = Set(try Files.list("/tmp").filter { $0.hasPrefix("flex-sanity-") })
    let result = try run(["--filter", "init/", path])
    #expect(result.status == .exited(0) && result.output.hasSuffix("3 passed, 0 failed, 0 skipped\n"))
    #expect(Set(try Files.list("/tmp").filter { $0.hasPrefix("flex-sanity-") }).subtracting(before).isEmpty)
  }

  @Test("--json prints one object with the counts and every case, and a failure is exit code 1", Self.root)
  func json() throws {
    let (directory, path) = try driver(Self.quiet.replacing("Not supported", with: "Not Supported"))
    defer { withExtendedLifetime(directory) {} }
    let result = try run(["--json", "--filter", "answer/unknown", path])
    #expect(result.status == .exited(1))
    struct Found: Decodable {
      struct Entry: Decodable { let name, result, detail, reason, consequence: String }
      let passed, failed, skipped: Int
      let cases: [Entry]
    }
    let found = try JSONDecoder().decode(Found.self, from: Data(result.output.utf8))
    #expect(found.passed == 0 && found.failed == 1 && found.skipped == 0)
    #expect(found.cases.first?.detail.contains("Not Supported") == true)
  }

  @Test(
    "A driver that holds its output open, floods it or dies is distinguished from a good one", Self.root,
    arguments: [
      ("sleep 30 & echo '{\"status\":\"Success\"}'", "left a process that has its output open"),
      ("head -c 10000000 /dev/zero | tr '\\0' x", "printed \"xxx"), ("kill -SEGV $$", "signal 11"),
    ])
  func broken(script: String, complaint: String) throws {
    let (directory, path) = try driver("case $1 in mount) \(script) ;; *) \(Self.quiet) ;; esac")
    defer { withExtendedLifetime(directory) {} }
    let result = try run(["--timeout", "1", "--filter", "answer", path])
    #expect(result.status == .exited(1), "\(result.output)")
    #expect(result.output.contains(complaint), "\(result.output)")
  }
}
