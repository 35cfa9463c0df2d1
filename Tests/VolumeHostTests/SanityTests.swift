import Foundation
import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite(
  "Examining drivers",
  .enabled(
    if: geteuid() == 0 && Tools.find("jq") != nil && Tools.find("flock") != nil, "skipped: needs root, jq, flock"))
struct SanityTests {
  private func examine(
    _ fixture: FixtureDriver, limit: Duration = .seconds(20), filter: String = "", behindLink: Bool = false
  ) async throws -> [String: SanityResult.Verdict] {
    let directory = try TemporaryDirectory()
    let data = try directory.directory("data")
    try directory.directory("plugins/example.org~fixture")
    let path = try directory.executable("plugins/example.org~fixture/fixture", fixture.script(keeping: data))
    var options = SanityOptions()
    options.root = try directory.directory("kubelet")
    if behindLink {
      #expect(symlink(directory["kubelet"], directory["link"]) == 0)
      options.root = directory["link"]
    }
    options.limit = limit
    options.filter = filter
    var results: [String: SanityResult.Verdict] = [:]
    try await DriverSanity(executable: path, options: options).run { results[$0.sanityCase.name] = $0.verdict }
    for mount in try MountTable.current().below(directory.path).reversed() {
      _ = try? Mounting.unmountAllLayers(mount.mountPoint)
    }
    return results
  }

  private func failures(_ results: [String: SanityResult.Verdict]) -> [String: String] {
    results.compactMapValues { if case .failed(let detail) = $0 { detail } else { nil } }
  }

  @Test("A good driver fails no case, and only cases for abilities that it does not announce are skipped")
  func good() async throws {
    let results = try await examine(.good)
    #expect(failures(results) == [:])
    let skipped = results.filter { if case .skipped = $0.value { true } else { false } }.keys.sorted()
    #expect(
      skipped == [
        "attach/detach-unknown", "attach/is-attached", "attach/mount-device", "attach/repeats", "expand/repeats",
        "option/varied",
      ])
  }

  @Test("A good driver that attaches and leaves the pods' mounts to the kubelet fails no case")
  func attaching() async throws {
    let results = try await examine(.attaching)
    #expect(failures(results) == [:])
    for name in ["attach/detach-unknown", "attach/is-attached", "attach/mount-device", "attach/repeats"] {
      #expect(results[name] == .passed, "\(name)")
    }
    #expect(
      results["name/paths"] == .skipped("the kubelet mounts for this driver: only mount receives names that are paths"))
    #expect(
      results["answer/odd-options"]
        == .skipped("the driver attaches: odd options are sent only to a driver that mounts itself"))
  }

  @Test("A root directory that is a link fails no case")
  func link() async throws {
    #expect(try await examine(.good, filter: "mount/mounts", behindLink: true) == ["mount/mounts": .passed])
  }

  @Test("A driver that prints a log line before the reply is not loaded, and the line is quoted")
  func chatty() async throws {
    let found = failures(try await examine(.chatty))
    #expect(found["init/succeeds"] == "invalid character 'c' looking for beginning of value")
    #expect(found["traces/answers"]?.contains("called with init") == true)
  }

  @Test("Another spelling of 'Not supported' is detected")
  func misspelling() async throws {
    let found = failures(try await examine(.misspelling))
    #expect(found["answer/unknown-command"]?.contains("Not Supported") == true)
    #expect(found.keys.sorted() == ["answer/unknown-command"])
  }

  @Test("A driver that hangs fails the cases that hang, and the examination ends")
  func hanging() async throws {
    let found = failures(try await examine(.hanging, limit: .milliseconds(300), filter: "unmount/"))
    #expect(found["unmount/never-mounted"] == "timeout")
  }

  @Test("An unmount that fails if nothing is mounted is detected in every form")
  func strict() async throws {
    let found = failures(try await examine(.strict))
    let names = ["unmount/by-hand", "unmount/missing-directory", "unmount/never-mounted", "unmount/twice"]
    #expect(found.keys.sorted() == names)
  }

  @Test("Files beside the executable are detected, and nothing else")
  func littering() async throws {
    let found = failures(try await examine(.littering))
    #expect(found.keys.sorted() == ["traces/directory"])
    #expect(found["traces/directory"]?.contains("driver.log") == true)
  }

  @Test("Capabilities that are null are detected before they crash a kubelet")
  func null() async throws {
    let found = failures(try await examine(.null))
    #expect(found["init/succeeds"] == "init answered \"capabilities\": null, on which a kubelet crashes")
  }

  @Test("A failing init is one failure, and cases that need a loaded driver are skipped")
  func unready() async throws {
    let results = try await examine(.unready)
    #expect(failures(results) == ["init/succeeds": "init command failed, status: Failure, reason: no daemon"])
    #expect(results["share/volumes-at-once"] == .skipped("init did not succeed"))
  }

  @Test("A mount that fails for a mounted volume is detected by one case only")
  func impatient() async throws {
    let found = failures(try await examine(.impatient))
    #expect(found.keys.sorted() == ["mount/twice"])
  }

  @Test("A driver that returns Failure with exit code 0 fails no case: a kubelet treats it as a failure")
  func soft() async throws {
    let results = try await examine(.soft)
    #expect(failures(results) == [:])
    #expect(results["traces/answers"] == .passed)
  }

  @Test("The page lists every case with its requirement")
  func page() throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let page = try String(contentsOf: root.appending(path: "docs/flexvolume.md"), encoding: .utf8)
    for sanityCase in SanityCase.all {
      #expect(page.contains("| `\(sanityCase.name)` | \(sanityCase.reason) |"), "\(sanityCase.name)")
    }
    let listed = page.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("/") && $0.contains(". |") }
    #expect(listed.count >= SanityCase.all.count)
  }

  @Test("Every case has a unique name, a reason and a consequence")
  func cases() {
    let all = SanityCase.all
    #expect(Set(all.map(\.name)).count == all.count)
    for sanityCase in all {
      #expect(sanityCase.reason.hasSuffix(".") && sanityCase.consequence.hasSuffix("."), "\(sanityCase.name)")
    }
  }
}
