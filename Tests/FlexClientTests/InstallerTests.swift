import Foundation
import Testing

/// The installer, run as an operator runs it.
@Suite("Installer")
struct InstallerTests: InstallerBench {
  @Test("installs into an empty directory, and a second run changes nothing")
  func freshAndAgain() async throws {
    try await withPluginDirectory { directory in
      let first = try await install(directory)
      #expect(first.exitCode == 0, "\(String(decoding: first.error, as: UTF8.self))")
      #expect(try names(in: directory) == ["elastic-local"])
      let before = try identity(directory)
      #expect(before.mode == 0o755)
      let second = try await install(directory)
      #expect(second.exitCode == 0)
      #expect(second.text.contains("up to date"))
      #expect(try identity(directory) == before)
      #expect(try await install(directory, ["--touch"]).exitCode == 0)
      #expect(try identity(directory).inode != before.inode)
      #expect(try names(in: directory) == ["elastic-local"])
    }
  }

  @Test("a watching kubelet never sees the driver's directory without the client, nor a directory of another name")
  func wholeAtOnce() async throws {
    try await withPluginDirectory { directory in
      let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
      defer { close(descriptor) }
      #expect(inotify_add_watch(descriptor, directory, UInt32(IN_CREATE | IN_MOVED_TO)) >= 0)
      let result = try await install(directory)
      #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
      let events = namesTold(by: descriptor)
      #expect(events.filter { !$0.name.hasPrefix(".") }.map(\.name) == [vendorDriver])
      #expect(events.last?.isRenamed == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [vendorDriver])
    }
  }

  @Test("leftovers of a killed installer are replaced or removed")
  func leftBehind() async throws {
    try await withPluginDirectory { root in
      let directory = root + "/plugins"
      let uninstalling = try uninstalling(in: root)
      for arguments in [[], uninstalling] {
        try populate(directory, with: [".\(vendorDriver)/elastic-local": "half"])
        #expect(try await install(directory, arguments).exitCode == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(left == (arguments.isEmpty ? [vendorDriver] : []))
      }
    }
  }

  @Test("installs the attach variant by flag and by environment, over the other one")
  func attachVariant() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      #expect(try await install(directory, ["--attach"]).exitCode == 0)
      #expect(try await run(client(directory), ["init"]).text.contains(#""attach":true"#))
      let again = try await install(directory, environment: ["FLEX_ATTACH": "true"])
      #expect(again.text.contains("up to date"))
      #expect(try await install(directory, environment: ["FLEX_ATTACH": "false"]).exitCode == 0)
      #expect(try await run(client(directory), ["init"]).text.contains(#""attach":false"#))
      #expect(try await install(directory, environment: ["FLEX_ATTACH": "yes"]).exitCode == 2)
    }
  }

  @Test("repairs a wrong mode, and overwrites a draft left by a crash")
  func repairs() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: client(directory))
      try Data("half".utf8).write(to: URL(filePath: "\(directory)/\(vendorDriver)/.elastic-local"))
      #expect(try await install(directory).exitCode == 0)
      #expect(try identity(directory).mode == 0o755)
      #expect(try names(in: directory) == ["elastic-local"])
    }
  }

  @Test("a caller in a loop never sees a partial or busy file during an upgrade")
  func upgradeUnderLoad() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      let calls = Task {
        var answers: Set<String> = []
        while !Task.isCancelled {
          let call = try await run(client(directory), ["init"])
          answers.insert("\(call.exitCode ?? -1) \(call.text)\(String(decoding: call.error, as: UTF8.self))")
        }
        return answers
      }
      for round in 0..<12 {
        let result = try await install(directory, round % 2 == 0 ? ["--attach"] : [])
        #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
      }
      calls.cancel()
      let answers = try await calls.value
      #expect(answers.allSatisfy { $0.hasPrefix(#"0 {"status":"Success","capabilities":{"attach":"#) }, "\(answers)")
    }
  }

  @Test("concurrent installers leave one complete client")
  func concurrently() async throws {
    try await withPluginDirectory { directory in
      try await withThrowingTaskGroup(of: Run.self) { group in
        for _ in 0..<4 { group.addTask { try await install(directory, ["--touch"]) } }
        for try await result in group {
          #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
        }
      }
      #expect(try names(in: directory) == ["elastic-local"])
      #expect(try await run(client(directory), ["init"]).exitCode == 0)
    }
  }

  @Test("refuses a driver directory that is a symbolic link")
  func symlinkedDirectory() async throws {
    try await withPluginDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory + "/elsewhere", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(vendorDriver)", withDestinationPath: directory + "/elsewhere")
      try await expectRefusal(directory, [], "is a symbolic link")
      try await expectRefusal(directory, try uninstalling(in: directory), "is a symbolic link")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/elsewhere").isEmpty)
    }
  }

  @Test("refuses to replace anything but a plain file")
  func symlinkedClient() async throws {
    try await withPluginDirectory { directory in
      let driver = "\(directory)/\(vendorDriver)"
      try FileManager.default.createDirectory(atPath: driver, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: client(directory), withDestinationPath: "/bin")
      try await expectRefusal(directory, [], "is no plain file")
    }
  }

  @Test("refuses a directory that cannot be written")
  func readOnly() async throws {
    try await withPluginDirectory { directory in
      let driver = "\(directory)/\(vendorDriver)"
      try FileManager.default.createDirectory(atPath: driver, withIntermediateDirectories: true)
      // Root can write anywhere. If the test runs as root, the installer runs as the user nobody.
      for path in [directory, driver] { chmod(path, 0o555) }
      let arguments = [installScript, "--plugin-dir", directory, "--source", BuiltClient.directory]
      let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"]
      let result =
        geteuid() == 0
        ? try await run("/usr/bin/setpriv", nobody + arguments) : try await run("/bin/sh", arguments)
      chmod(directory, 0o755)
      #expect(result.exitCode == 1)
      #expect(String(decoding: result.error, as: UTF8.self).contains("cannot be written"))
    }
  }

  @Test("rejects a source that is missing, not executable or another program, and leaves no directory behind")
  func badSource() async throws {
    try await withPluginDirectory { directory in
      let source = directory + "/source"
      try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
      try await expectRefusal(directory, ["--source", source], "does not exist")
      let file = source + "/elastic-local"
      // Another process writes the file. The child of a concurrent test could inherit a descriptor of this process, and
      // a file that is open for writing cannot be executed.
      #expect(try await run("/bin/sh", ["-c", #"printf '#!/bin/sh\necho hello\n' >"$0""#, file]).exitCode == 0)
      try await expectRefusal(directory, ["--source", source], "is not executable")
      chmod(file, 0o755)
      try await expectRefusal(directory, ["--source", source], "init printed hello")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["source"])
    }
  }

  @Test("uninstalls, also twice, and keeps a directory that holds other files")
  func uninstall() async throws {
    try await withPluginDirectory { root in
      let directory = root + "/plugins"
      let uninstalling = try uninstalling(in: root)
      #expect(try await install(directory).exitCode == 0)
      #expect(try await install(directory, uninstalling).exitCode == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
      #expect(try await install(directory, uninstalling).exitCode == 0)
      #expect(try await install(directory).exitCode == 0)
      try Data().write(to: URL(filePath: "\(directory)/\(vendorDriver)/notes"))
      try await expectRefusal(directory, uninstalling, "files that are not ours")
      #expect(try names(in: directory) == ["notes"])
    }
  }

  @Test(
    "uninstalls no client while kubelet has a volume mounted",
    arguments: [
      "/var/lib/kubelet/pods/u/volumes/volumes.k8s.elastic.co~elastic-local/pv",
      "/data/kubelet/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/pv",
    ])
  func uninstallInUse(mountPoint: String) async throws {
    try await withPluginDirectory { root in
      let directory = root + "/plugins"
      #expect(try await install(directory).exitCode == 0)
      let other = "/var/lib/kubelet/pods/u/volumes/example.org~elastic-local/pv"
      try await expectRefusal(
        directory, try uninstalling(in: root, mounts: ["/", other, mountPoint]), "1 of our volumes are mounted")
      #expect(try names(in: directory) == ["elastic-local"])
      #expect(try await install(directory, uninstalling(in: root, mounts: ["/", other])).exitCode == 0)
    }
  }

  private struct Told {
    var name: String
    var isRenamed: Bool
  }

  /// Reads the pending events of inotify(7).
  private func namesTold(by descriptor: Int32) -> [Told] {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &buffer, buffer.count)
    var told: [Told] = []
    buffer.prefix(max(count, 0)).withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
        offset += MemoryLayout<inotify_event>.size
        let name = String(decoding: bytes[offset..<(offset + Int(event.len))].prefix { $0 != 0 }, as: UTF8.self)
        told.append(Told(name: name, isRenamed: event.mask & UInt32(IN_MOVED_TO) != 0))
        offset += Int(event.len)
      }
    }
    return told
  }

  private func identity(_ directory: String) throws -> Identity {
    var status = stat()
    guard stat(client(directory), &status) == 0 else { throw TestFailure("no client in \(directory)") }
    return Identity(
      inode: UInt64(status.st_ino), mode: status.st_mode & 0o7777, seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }

  /// The attributes that do not change if a file is not touched.
  private struct Identity: Equatable {
    var inode: UInt64
    var mode: UInt32
    var seconds: Int
    var nanoseconds: Int
  }
}
