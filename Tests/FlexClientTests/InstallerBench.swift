import Foundation
import Testing

/// The common parts of the installer's tests.
protocol InstallerBench {}

extension InstallerBench {
  var installScript: String { BuiltClient.package + "/flex-install/install.sh" }
  var vendorDriver: String { "volumes.k8s.elastic.co~elastic-local" }

  func populate(_ root: String, with files: [String: String]) throws {
    for (path, content) in files {
      let file = URL(filePath: root + "/" + path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
  }

  /// Returns arguments for an uninstallation on a host with a given mount table.
  func uninstalling(in root: String, mounts: [String] = ["/"]) throws -> [String] {
    let lines = mounts.map { "22 1 8:1 / \($0) rw - ext4 /dev/sda1 rw\n" }.joined()
    try populate(root, with: ["host/proc/1/mountinfo": lines])
    return ["--uninstall", "--host-root", root + "/host"]
  }

  func install(
    _ directory: String, _ more: [String] = [], environment: [String: String] = [:]
  ) async throws -> Run {
    _ = try BuiltClient.path()
    let arguments = [installScript, "--plugin-dir", directory, "--source", BuiltClient.directory] + more
    return try await run("/bin/sh", arguments, environment: environment)
  }

  func expectRefusal(_ directory: String, _ more: [String], _ reason: String) async throws {
    let result = try await install(directory, more)
    #expect(result.exitCode == 1)
    #expect(String(decoding: result.error, as: UTF8.self).contains(reason))
  }

  func client(_ directory: String) -> String { "\(directory)/\(vendorDriver)/elastic-local" }

  func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(vendorDriver)").sorted()
  }

  func withPluginDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    chmod(directory.path, 0o755)
    try await body(directory.path)
  }
}
