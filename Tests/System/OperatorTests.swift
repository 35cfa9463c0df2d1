import LinuxSystem
import Testing

@Suite("What an operator does", .serialized, .lab, .exclusive)
struct OperatorTests {
  @Test("our own tool: status, retain, refused and allowed removal, grace time")
  func ownTool() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      let status = try tool(node, "status")
      #expect(status.exitCode == 0)
      #expect(status.output.contains(volume))
      #expect(status.output.contains(try node.group.name))
      #expect(try tool(node, "retain", volume).exitCode == 0)
      let refused = try tool(node, "remove", volume)
      #expect(refused.exitCode == 1)
      #expect(refused.errors.contains("retained"))
      #expect(try tool(node, "unretain", volume).exitCode == 0)
      let other = "00000000-0000-0000-0000-000000000001"
      #expect(try tool(node, "remove", volume, "--claim", other).errors.contains("belongs to claim"))

      node.flags = ["--reclaim-grace", "3600"]
      try await node.restart()
      node.remove(volume).fails(saying: volume, "--reclaim-grace")
      node.flags = []
      try await node.restart()
      #expect(try tool(node, "remove", volume).exitCode == 0)
    }
  }

  private func tool(_ node: Node, _ words: String...) throws -> Program.Ended {
    try Program(Products.daemon, words + ["--socket", node.socket]).wait()
  }

  @Test("who is not root is told so in one sentence", .tools("setpriv"))
  func notRoot() async throws {
    try await withNode { node in
      let status = try attempt(
        "setpriv", ["--reuid", "65534", "--clear-groups", Products.daemon, "status", "--socket", node.socket])
      #expect(status.exitCode == 1)
      #expect(
        status.errors
          == "elastic-local-node: only root may use the daemon's socket \(node.socket); run the command as root\n")
    }
  }

  @Test("kubelet's root is the same directory by another link and with a slash at its end, for every call")
  func otherSpelling() async throws {
    try await withNode(start: false) { node in
      try Files.replaceWithSymbolicLink(node.root + "/link", to: node.kubeletRoot)
      node.flags = ["--kubelet-root", node.root + "/link/"]
      try await node.start()
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.growVolume(volume, toMebibytes: 96).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("a second daemon on the same node is refused, and the first goes on")
  func second() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let other = try Node(node.storage, root: node.root)
      await #expect(throws: Trouble.self) { try await other.start() }
      #expect(other.log.contains("there can be only one"))
      try await node.startPod(volume).succeeds()
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}
