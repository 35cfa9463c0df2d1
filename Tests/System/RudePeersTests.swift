import Glibc
import LinuxSystem
import Testing

@Suite("Peers of the metrics port that mean no good", .serialized, .lab, .exclusive)
struct RudePeersTests {
  @Test("1,000 idle connections and 40 that do not read keep nobody from mounting, health or status")
  func many() async throws {
    OwnProcess.raiseDescriptorLimit()
    try await withNode(start: false) { node in
      node.flags = ["--metrics-address", "127.0.0.1:0"]
      // As systemd starts services, and a container runtime that does not raise it.
      node.starter = ["/usr/bin/prlimit", "--nofile=1024:524288", "--"]
      try await node.start()
      var peers: [RawCall] = []
      for number in 0..<1040 {
        let peer = try node.connectToPages()
        if number >= 1000 { try peer.send(Array("GET /metrics HTTP/1.1\r\n\r\n".utf8)) }
        peers.append(peer)
      }
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      #expect(try node.page("/healthz").hasSuffix("ok\n"))
      #expect(try node.page("/metrics").contains("elastic_local_calls_total"))
      node.ask("status").succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
      withExtendedLifetime(peers) {}
    }
  }

  @Test(
    "on a node that has IPv6 alone, health is served at the address of the manifests",
    .tools("unshare", "nsenter", "ip"))
  func sixAlone() async throws {
    try await withNode(StorageKind.files, start: false) { node in
      node.flags = ["--metrics-address", ":0"]
      let prelude = "ip link set lo up && ip addr del 127.0.0.1/8 dev lo && exec \"$@\""
      node.starter = ["/usr/bin/unshare", "--net", "--", "/bin/sh", "-c", prelude, "sh"]
      try await node.start()
      let pid = try #require(node.daemon?.pid)
      let request =
        "exec 3<>/dev/tcp/::1/\(try node.pagesPort); printf 'GET /healthz HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3"
      let reply = try run("nsenter", "--net=/proc/\(pid)/ns/net", "--", "/bin/bash", "-c", request)
      #expect(reply.hasSuffix("\r\n\r\nok\n"), "\(reply)")
    }
  }
}
