import Foundation
import Testing

/// A daemon that is absent, late or stuck.
@Suite("Availability")
struct AvailabilityTests {
  @Test("an absent daemon is retried for about 5 s, then the call is a Failure")
  func absent() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let run = try await callClient(
      ["mount", "/dir", #"{"kubernetes.io/secret/a":"hush"}"#], socket: directory.path + "/socket")
    expectFailure(run, "cannot connect to the node daemon: the socket does not exist", "absent")
    #expect(!run.text.contains("hush"))
    #expect(run.duration > .seconds(4))
    #expect(run.duration < .seconds(30))
  }

  @Test("an abandoned socket is retried no longer than the deadline")
  func abandoned() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = directory.path + "/socket"
    // The kernel rejects a plain file with the same error as a socket without a listener.
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let run = try await callClient(["mount"], socket: path, timeout: "1")
    expectFailure(run, "no process listens on the socket", "abandoned")
    #expect(run.duration < .seconds(4))
  }

  @Test("a daemon that comes back during the retries is found")
  func late() async throws {
    let daemon = try ScriptedDaemon(after: .seconds(1), [.receive, .send("{\"status\":\"Success\"}\n")])
    let run = try await callClient(["unmount", "/dir"], socket: daemon.socket)
    _ = try await daemon.received()
    #expect(run.text == "{\"status\":\"Success\"}\n")
    #expect(run.exitCode == 0)
    #expect(run.duration > .milliseconds(900))
  }

  /// Creates what a daemon leaves that was told to end some seconds ago.
  private func leaveNotice(beside socket: String, secondsAgo: Double = 0) throws {
    let path = socket + ".restarting"
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: path)
  }

  @Test("a daemon that is being replaced is retried for longer", arguments: [0, 200, -3600] as [Double])
  func replaced(secondsAgo: Double) async throws {
    let daemon = try ScriptedDaemon(after: .seconds(8), [.receive, .send("{\"status\":\"Success\"}\n")])
    try leaveNotice(beside: daemon.socket, secondsAgo: secondsAgo)
    let run = try await callClient(["unmount", "/dir"], socket: daemon.socket)
    _ = try await daemon.received()
    #expect(run.text == "{\"status\":\"Success\"}\n")
    #expect(run.duration > .seconds(7))
  }

  @Test("after five minutes a replaced daemon is retried as briefly as an absent one")
  func notReplaced() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let socket = directory.path + "/socket"
    try leaveNotice(beside: socket, secondsAgo: 301)
    let run = try await callClient(["unmount", "/dir"], socket: socket)
    expectFailure(run, "the socket does not exist", "not replaced")
    #expect(run.duration > .seconds(4))
    #expect(run.duration < .seconds(30))
  }

  @Test("retries for the next daemon end at the deadline")
  func replacedTooLate() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let socket = directory.path + "/socket"
    try leaveNotice(beside: socket)
    let run = try await callClient(["unmount", "/dir"], socket: socket, timeout: "1")
    expectFailure(run, "the socket does not exist", "replaced too late")
    #expect(run.duration < .seconds(4))
  }

  @Test(
    "a path that can never be a socket fails at once",
    arguments: ["/dev/null/socket", "/" + String(repeating: "x", count: 110) + "/socket"])
  func impossible(path: String) async throws {
    let run = try await callClient(["mount"], socket: path)
    expectFailure(run, "cannot connect to the node daemon: the path", path)
    #expect(run.duration < .seconds(4))
  }

  @Test(
    "a call to a daemon that hangs fails at the deadline",
    arguments: [[.receive, .hang], [.hang], [.receive, .send("{\"sta"), .hang]] as [[DaemonStep]])
  func hanging(steps: [DaemonStep]) async throws {
    let (run, _) = try await exchange(steps, timeout: "1")
    expectFailure(run, "the node daemon did not reply within 1 s", "hanging")
    #expect(run.duration > .milliseconds(900))
    #expect(run.duration < .seconds(30))
  }

  @Test("a call to a daemon that reads nothing fails at the deadline")
  func takingNothing() async throws {
    // More than the buffers of a socket hold.
    let arguments = [[UInt8]](repeating: [UInt8](repeating: UInt8(ascii: "x"), count: 120 << 10), count: 8)
    let daemon = try ScriptedDaemon([.idle(milliseconds: 3000)])
    let run = try await callClient([Array("mount".utf8)] + arguments, socket: daemon.socket, timeout: "1")
    _ = try await daemon.received()
    expectFailure(run, "the node daemon did not take the request within 1 s", "taking nothing")
  }

  @Test(
    "an invalid timeout leaves the default in effect", arguments: ["0", "3601", "-1", "1s", "", "99999999999999999999"])
  func unusableTimeout(text: String) async throws {
    let daemon = try ScriptedDaemon([
      .receive, .trickle(Array(repeating: 0x20, count: 12), milliseconds: 100), .send("{\"status\":\"Success\"}\n"),
    ])
    let run = try await callClient(["mount"], socket: daemon.socket, timeout: text)
    _ = try await daemon.received()
    #expect(run.exitCode == 0)
  }
}
