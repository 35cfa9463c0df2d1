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
