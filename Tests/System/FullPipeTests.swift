import Glibc
import LinuxSystem
import Testing

@Suite("A log that nobody reads", .serialized, .lab, .exclusive)
struct FullPipeTests {
  @Test("calls are served and the daemon ends in time, although its log has not been read since its start")
  func full() async throws {
    try await withNode(start: false) { node in
      node.flags = ["--metrics-address", "127.0.0.1:0"]
      // A pipe that is full before the first line; its reader never reads.
      let script = "exec 9> >(exec sleep 600); head -c 65536 /dev/zero >&9; exec \"$@\" 2>&9"
      node.starter = ["/bin/bash", "-c", script, "bash"]
      let program = try node.launch()
      let isServing = await eventually(seconds: 30) { (try? UnixSocket.connect(path: node.socket)) != nil }
      try #require(isServing)
      let volume = Scratch.volumeName()
      for _ in 0..<20 {
        try await node.startPod(volume).succeeds()
        try await node.deletePod(volume).succeeds()
      }
      node.remove(volume).succeeds()
      program.send(SIGTERM)
      #expect(try program.wait(seconds: 30).exitCode == 0)
    }
  }
}
