import LinuxSystem
import Testing

/// The built provisioner, which `swift build --build-tests` puts beside the tests.
private enum BuiltProvisioner {
  static let path: String? = {
    guard let own = Files.linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") else { return nil }
    let path = own[..<slash] + "/elastic-local-provisioner"
    return Files.exists(String(path)) ? String(path) : nil
  }()

  static let isMissing: Comment = "skipped: elastic-local-provisioner is not built beside the tests"

  static func run(_ arguments: [String]) async throws -> ChildResult {
    let path = try #require(path)
    return try await WorkerPool(name: "child", limit: 1).run { () throws(SystemError) in
      try ChildProcess.run(path, arguments, deadline: .seconds(20))
    }
  }
}

@Suite(
  "The command that prints directories",
  .enabled(if: BuiltProvisioner.path != nil, BuiltProvisioner.isMissing), .timeLimit(.minutes(2)))
struct DirectoryCommandTests {
  @Test("each kind of directory is one line on standard output")
  func printed() async throws {
    let rows = [
      (["named", "data"], "volume/3a6eb0790f39ac87c94f3856b2dd2c5d\n"),
      (["bind", "/home//me/./src"], "bind/home/me/src\n"),
      (["anonymous", "web", "/var/lib/data"], "volume/7c4f7ddb38d91b9f6acd90cf4d4c17c1\n"),
      (["named", "--help"], "volume/0bdbc8fb00a40fb6f7bcaa79eeb92a5b\n"),
    ]
    for (words, line) in rows {
      let result = try await BuiltProvisioner.run(["directory"] + words)
      #expect(result.isSuccess && result.output == line, "\(words): \(result.output)")
    }
  }

  @Test("what has no directory, and words that ask for none, end with code 2 and one line")
  func refused() async throws {
    let rows: [[String]] = [
      [], ["named"], ["named", "a", "b"], ["bind", "a", "b"], ["anonymous", "web"], ["other", "a"], ["named", ""],
      ["bind", "/a/../b"], ["bind", "/"], ["bind", "/a\nb"], ["anonymous", "web", "data"],
    ]
    for words in rows {
      let result = try await BuiltProvisioner.run(["directory"] + words)
      #expect(result.status == .exited(2), "\(words): \(result.output)")
      #expect(result.output.hasPrefix("elastic-local-provisioner: directory"), "\(words): \(result.output)")
      #expect(result.output.split(separator: "\n").count == 1, "\(words): \(result.output)")
    }
  }
}
