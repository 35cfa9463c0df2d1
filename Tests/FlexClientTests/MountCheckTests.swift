import Foundation
import Testing

/// After a mount the client checks whether the kubelet sees it. The client runs in the kubelet's mount namespace.
@Suite("A mount that is confirmed")
struct MountCheckTests {
  /// Returns what a directory shows, in the daemon's form.
  private func view(of path: String, inode: UInt64 = 0, moreFlags: UInt = 0) throws -> String {
    var status = stat()
    var mount = statvfs()
    guard stat(path, &status) == 0, statvfs(path, &mount) == 0 else { throw TestFailure("cannot look at \(path)") }
    let device = UInt64(status.st_dev)
    let (major, minor) = (device >> 8 & 0xfff | device >> 32 & 0xffff_f000, device & 0xff | device >> 12 & 0xffff_ff00)
    return "\(major):\(minor):\(UInt64(status.st_ino) + inode):\(UInt(mount.f_flag) & 0xF ^ moreFlags)"
  }

  /// Makes a call to a daemon that reports `shown` for the directory and then plays `steps`.
  private func call(
    _ command: String, at path: String, shown: String, then steps: [DaemonStep]
  ) async throws -> (run: Run, confirmation: String) {
    let words = command == "mount" ? [command, path, "{}"] : [command, path, "/dev/d", "{}"]
    let reply = "{\"shown\":\"\(shown)\",\"status\":\"Success\"}\n"
    let (run, received) = try await exchange(
      [.receive, .send(reply)] + steps, words.map { Array($0.utf8) }, timeout: "20")
    let lines = String(decoding: received, as: UTF8.self).split(separator: "\n")
    #expect(lines.first?.contains("\"confirms\":true") == true)
    return (run, lines.dropFirst().joined(separator: "\n"))
  }

  @Test("that the kubelet sees is a Success, and the daemon is told", arguments: ["mount", "mountdevice"])
  func seen(command: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (run, confirmation) = try await call(
      command, at: directory.path, shown: try view(of: directory.path), then: [.receive])
    #expect(run.exitCode == 0)
    #expect(run.text.contains("\"status\":\"Success\""))
    #expect(confirmation == "{\"seen\":true}")
  }

  @Test(
    "that the kubelet does not see, or sees with other flags, is a Failure after the daemon has rolled it back",
    arguments: ["mount", "mountdevice"])
  func unseen(command: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = directory.path
    let rows: [(String, String, String)] = [
      ("another inode", try view(of: path, inode: 1), "does not appear in the kubelet's mount namespace"),
      ("another device", "1000" + (try view(of: path)), "does not appear"),
      ("nosuid for the daemon alone", try view(of: path, moreFlags: 2), "flags are not the same"),
      ("more behind it", try view(of: path) + ":1", "flags are not the same"),
      ("no numbers", "shown", "does not appear"), ("nothing", "", "does not appear"),
      ("a number above all", "99999999999999999999:0:0:0", "does not appear"),
    ]
    for (remark, shown, found) in rows {
      let (run, confirmation) = try await call(
        command, at: path, shown: shown, then: [.receive, .idle(milliseconds: 300)])
      expectUnseen(run, found, remark)
      #expect(run.text.contains("mountPropagation: Bidirectional"), "\(remark)")
      #expect(confirmation == "{\"seen\":false}", "\(remark)")
      #expect(run.duration > .milliseconds(290), "\(remark): the daemon had not taken it back yet")
    }
  }

  private func expectUnseen(_ run: Run, _ found: String, _ remark: String) {
    #expect(run.exitCode == 1, "\(remark)")
    #expect(run.error.isEmpty, "\(remark)")
    #expect(run.text.contains("\"status\":\"Failure\""), "\(remark): \(run.text)")
    #expect(run.text.contains("the node daemon mounted the volume, but"), "\(remark): \(run.text)")
    #expect(run.text.contains(found), "\(remark): \(run.text)")
  }

  @Test("whose directory has gone is a Failure")
  func gone() async throws {
    let directory = try TemporaryDirectory()
    let shown = try view(of: directory.path)
    directory.remove()
    let (run, confirmation) = try await call("mount", at: directory.path, shown: shown, then: [.receive])
    expectUnseen(run, "does not appear", "gone")
    #expect(confirmation == "{\"seen\":false}")
  }

  @Test("is a Success even if the daemon dies before it is told, because the kubelet sees the mount")
  func daemonDies() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (run, _) = try await call("mount", at: directory.path, shown: try view(of: directory.path), then: [])
    #expect(run.exitCode == 0, "\(run.text)")
  }

  @Test("is not requested by a daemon of an earlier release, nor for a call that mounts nothing")
  func oldDaemon() async throws {
    let (run, received) = try await exchange(
      [.receive, .send("{\"status\":\"Success\"}\n"), .receive], ["mount", "/nowhere", "{}"].map { Array($0.utf8) })
    #expect(run.exitCode == 0)
    #expect(received.filter { $0 == UInt8(ascii: "\n") }.count == 1)
  }
}
