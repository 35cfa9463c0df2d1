import Foundation
import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Client and daemon of different releases", .serialized, .lab, .exclusive)
struct VersionTests {
  @Test("a newer client that says more is understood; one that speaks another version is told so")
  func newerClient() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let call = try node.calls.mountCall(volume)
      let directory = call.arguments[0]
      try Files.makeDirectories(directory, mode: 0o750)
      let extra: [String: Any] = ["deadline": 90, "trace": ["id": "x"], "client": "9.9"]

      let refused = try RawCall.exchange(RawCall.frame(call.line, version: 2), node.socket)
      #expect(refused.contains("Failure") && refused.contains("version 2") && refused.contains("version 1"))
      #expect(try node.group.volume(volume) == nil)

      let reply = try RawCall.exchange(RawCall.frame(call.line, extra: extra), node.socket)
      #expect(reply.contains(#""status":"Success""#), "\(reply)")
      #expect(try MountTable.current().at(directory).count == 1)
      try await node.calls.unmount(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "what kubelets of other releases tell is understood",
    arguments: [
      ("1.9", "kubernetes.io/fsGroup"), ("1.14", "kubernetes.io/fsGroup"),
      ("1.20", "kubernetes.io/mounterArgs.FsGroup"),
    ])
  func otherKubelets(version: String, key: String) async throws {
    try await withNode(kubelet: .init(version)) { node in
      let volume = Scratch.volumeName()
      let options = Options(group: 1000)
      try await node.startPod(volume, options).succeeds()
      let mount = try #require(try node.kubelet.runner.records.last { $0.call.command == .mount })
      #expect(mount.call.arguments[1].contains("\"\(key)\":\"1000\""))
      var status = stat()
      #expect(stat(node.podDirectory("pod-a", volume), &status) == 0 && status.st_gid == 1000)
      if version != "1.9" { try await node.growVolume(volume, from: options, toMebibytes: 128).succeeds() }
      try await node.kubelet.restart()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("options that a newer kubelet adds are ignored")
  func newerKubelet() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let options = Options(extra: ["kubernetes.io/new.key": "x", "kubernetes.io/mounterArgs.FsGroup": "1000"])
      try await node.startPod(volume, options).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "a newer daemon's reply with more keys, in any order, goes to kubelet as it is",
    arguments: [
      #"{"status":"Success","device":"/dev/x","hint":{"a":[1,2]},"volumeNewSize":1}"#,
      #"{"retryAfter":5,"message":"no","status":"Failure"}"#,
      #"{"status":"Not supported","since":"9.9"}"#,
    ])
  func newerDaemon(line: String) async throws {
    let path = Scratch.fresh("scripted")
    let listener = try UnixListener(path: path)
    let daemon = Task.detached {
      try await WorkerPool(name: "scripted", limit: 1).run {
        try RawCall(adopting: listener.accept().release()).send(Array((line + "\n").utf8))
      }
    }
    let calls = DriverCalls(version: .newest)
    let runner = WatchedRunner(socket: path, timeout: 10)
    let process = await runner.run(
      Products.attachingClient, calls.waitForAttach(Options().spec("pvc-x"), device: ""), limit: nil)
    _ = try await daemon.value
    #expect(process.output == line + "\n")
    #expect(process.end == .exited(line.contains("Failure") ? 1 : 0))
    #expect(runner.flaws.isEmpty)
  }

  @Test("a call that meets the daemon restarting waits for it and succeeds")
  func restarting() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try node.kill9()
      try await node.schedulePod(volume)
      try await Task.sleep(for: .milliseconds(300))
      #expect(try !node.kubelet.runner.records.contains { $0.call.command == .mount })
      try await node.start()
      try await node.waitUntilReady(volume).succeeds()
      #expect(try node.kubelet.events == [], "the first call did not wait")
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
