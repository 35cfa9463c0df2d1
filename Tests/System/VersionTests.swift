import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("Client and daemon of different releases", .serialized, .lab, .exclusive)
struct VersionTests {
  @Test("a newer client that says more is understood; one that speaks another version is told so")
  func newerClient() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      try Files.makeDirectories(directory, mode: 0o750)
      let arguments = try ["mount", directory, Options().json(volume, pod: "pod-a")]
      let extra: [String: Any] = ["deadline": 90, "trace": ["id": "x"], "client": "9.9"]

      let refused = try RawCall.exchange(RawCall.frame(arguments, version: 2), node.socket)
      #expect(refused.contains("Failure") && refused.contains("version 2") && refused.contains("version 1"))
      #expect(try node.group.volume(volume) == nil)

      #expect(try RawCall.exchange(RawCall.frame(arguments, extra: extra), node.socket) == "{\"status\":\"Success\"}\n")
      #expect(try MountTable.current().at(directory).count == 1)
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test("options that a newer kubelet adds are ignored")
  func newerKubelet() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let options = Options(extra: ["kubernetes.io/new.key": "x", "kubernetes.io/mounterArgs.FsGroup": "1000"])
      try node.mount(volume, options).succeeds()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }

  @Test(
    "a newer daemon's reply with more keys, in any order, goes to kubelet as it is",
    arguments: [
      #"{"status":"Success","device":"/dev/x","hint":{"a":[1,2]},"volumeNewSize":1}"#,
      #"{"retryAfter":5,"message":"no","status":"Failure"}"#,
      #"{"status":"Not supported","since":"9.9"}"#,
    ])
  func newerDaemon(line: String) throws {
    let path = Scratch.fresh("scripted")
    let listener = try UnixListener(path: path)
    let client = try Program(
      Products.client, ["waitforattach", "", "{}"],
      environment: ["ELASTIC_LOCAL_SOCKET": path, "ELASTIC_LOCAL_TIMEOUT": "10"])
    let connection = RawCall(adopting: try listener.accept().release())
    try connection.send(Array((line + "\n").utf8))
    let ended = try client.wait()
    #expect(ended.output == line + "\n")
    #expect(ended.errors.isEmpty)
    #expect(ended.exitCode == (line.contains("Failure") ? 1 : 0))
  }

  @Test("a call that meets the daemon restarting waits for it and succeeds")
  func restarting() throws {
    try withNode { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      try Files.makeDirectories(directory, mode: 0o750)
      try node.kill9()
      let client = try node.begin(["mount", directory, Options().json(volume, pod: "pod-a")])
      usleep(300_000)
      #expect(client.isRunning)
      try node.start()
      FlexReply("mount", try client.wait(), at: #_sourceLocation).succeeds()
      try node.unmount(volume).succeeds()
      try node.remove(volume).succeeds()
    }
  }
}
