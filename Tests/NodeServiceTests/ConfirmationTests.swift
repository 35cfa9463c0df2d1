import Glibc
import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// What becomes of a mount is said by the client, which looks from kubelet's side.
@Suite("Mounts that the client confirms", .timeLimit(.minutes(2)))
struct ConfirmationTests {
  private let node: SimulatedNode
  private static let view = DirectoryView(device: DeviceNumber(major: 253, minor: 3), inode: 2, restrictions: 6)

  init() throws {
    node = try SimulatedNode()
    node.tools.state.withLock { $0.view = Self.view }
  }

  /// A call as the client makes it: the reply, what the client says then, and whether the daemon has closed.
  private func call(
    _ server: RunningServer, _ arguments: [String], confirms: Bool = true, then words: [UInt8]?
  ) async throws -> Reply {
    let path = server.path
    return try await server.blocking {
      let connection = try UnixSocket.connect(path: path)
      let request = Request(arguments, confirms: confirms).encoded()
      try StreamIO.writeAll(connection, request, deadline: .seconds(5))
      let reply = try Reply(
        decoding: try StreamIO.readFrame(connection, limit: 1 << 20, deadline: .seconds(20)))
      guard let words else { return reply }
      try StreamIO.writeAll(connection, words, deadline: .seconds(5))
      // The daemon closes when it has done what is to be done.
      #expect(throws: FrameError.closed(received: 0)) {
        _ = try StreamIO.readFrame(connection, limit: 1, deadline: .seconds(20))
      }
      return reply
    }
  }

  private static let calls: [[String]] = [
    SimulatedNode.mount(1), ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()],
  ]

  @Test("a mount that the client sees stays; the reply says what its directory shows", arguments: calls)
  func seen(arguments: [String]) async throws {
    let server = try await RunningServer(node: node)
    let reply = try await call(server, arguments, then: Confirmation(seen: true).encoded())
    #expect(reply.isSuccess)
    #expect(reply.shown == "253:3:2:6")
    await server.server.stop(grace: .seconds(20))
    #expect(!node.mountPoints().isEmpty)
  }

  @Test("a mount that the client does not see is taken back before the connection ends", arguments: calls)
  func unseen(arguments: [String]) async throws {
    let server = try await RunningServer(node: node)
    _ = try await call(server, arguments, then: Confirmation(seen: false).encoded())
    #expect(node.mountPoints().isEmpty, "\(node.mountPoints())")
    #expect(
      node.lines.withLock { $0.contains { $0.contains("mount taken back") && $0.contains("kubelet does not see") } })
    await server.server.stop(grace: .seconds(20))
  }

  @Test("a mount is taken back if its client disconnects or sends anything else", arguments: calls)
  func left(arguments: [String]) async throws {
    for words in [nil, Array("{}\n".utf8), Array("seen\n".utf8), [UInt8](repeating: 0x78, count: 300)] {
      let server = try await RunningServer(node: node)
      _ = try await call(server, arguments, then: words)
      // Stopping waits for what is being taken back.
      await server.server.stop(grace: .seconds(20))
      #expect(node.mountPoints().isEmpty, "\(node.mountPoints())")
    }
  }

  @Test("a client of an earlier release confirms nothing, and its mount stays", arguments: calls)
  func oldClient(arguments: [String]) async throws {
    let server = try await RunningServer(node: node)
    _ = try await call(server, arguments, confirms: false, then: nil)
    await server.server.stop(grace: .seconds(20))
    #expect(!node.mountPoints().isEmpty)
  }

  @Test("an earlier mount stays whatever the client answers, because a pod may run on it", arguments: calls)
  func before(arguments: [String]) async throws {
    let server = try await RunningServer(node: node)
    _ = try await call(server, arguments, then: Confirmation(seen: true).encoded())
    let mounts = node.mountPoints()
    _ = try await call(server, arguments, then: Confirmation(seen: false).encoded())
    _ = try await call(server, arguments, then: nil)
    await server.server.stop(grace: .seconds(20))
    #expect(node.mountPoints() == mounts)
  }

  @Test("a mount that a later call was answered with stays, though the first client does not see it", arguments: calls)
  func later(arguments: [String]) async throws {
    let server = try await RunningServer(node: node)
    let path = server.path
    try await server.blocking {
      let first = try UnixSocket.connect(path: path)
      try StreamIO.writeAll(first, Request(arguments, confirms: true).encoded(), deadline: .seconds(5))
      _ = try StreamIO.readFrame(first, limit: 1 << 20, deadline: .seconds(20))
      let second = try UnixSocket.connect(path: path)
      try StreamIO.writeAll(second, Request(arguments, confirms: true).encoded(), deadline: .seconds(5))
      _ = try StreamIO.readFrame(second, limit: 1 << 20, deadline: .seconds(20))
      try StreamIO.writeAll(second, Confirmation(seen: true).encoded(), deadline: .seconds(5))
      try StreamIO.writeAll(first, Confirmation(seen: false).encoded(), deadline: .seconds(5))
      #expect(throws: FrameError.closed(received: 0)) {
        _ = try StreamIO.readFrame(first, limit: 1, deadline: .seconds(20))
      }
    }
    await server.server.stop(grace: .seconds(20))
    #expect(!node.mountPoints().isEmpty)
  }

  @Test("a late client is told so: the mount is taken back, and its confirmation is refused")
  func late() async throws {
    let server = try await RunningServer(node: node, confirmationDeadline: .milliseconds(50))
    let path = server.path
    try await server.blocking {
      let connection = try UnixSocket.connect(path: path)
      let request = Request(SimulatedNode.mount(1), confirms: true).encoded()
      try StreamIO.writeAll(connection, request, deadline: .seconds(5))
      _ = try StreamIO.readFrame(connection, limit: 1 << 20, deadline: .seconds(20))
      // Until the daemon has taken it back it keeps the connection.
      #expect(throws: FrameError.closed(received: 0)) {
        _ = try StreamIO.readFrame(connection, limit: 1, deadline: .seconds(20))
      }
      let error = #expect(throws: SystemError.self) {
        try StreamIO.writeAll(connection, Confirmation(seen: true).encoded(), deadline: .seconds(5))
      }
      #expect(error?.errno == .brokenPipe)
    }
    #expect(node.mountPoints().isEmpty)
    await server.server.stop(grace: .seconds(20))
  }

  @Test("clients that do not confirm do not keep other calls waiting")
  func silent() async throws {
    let server = try await RunningServer(node: node, makingCalls: 1)
    let path = server.path
    try await server.blocking {
      let silent = try UnixSocket.connect(path: path)
      let request = Request(SimulatedNode.mount(1), confirms: true).encoded()
      try StreamIO.writeAll(silent, request, deadline: .seconds(5))
      _ = try StreamIO.readFrame(silent, limit: 1 << 20, deadline: .seconds(20))
      let other = try UnixSocket.connect(path: path)
      try StreamIO.writeAll(other, Request(SimulatedNode.mount(2)).encoded(), deadline: .seconds(5))
      let reply = try Reply(decoding: try StreamIO.readFrame(other, limit: 1 << 20, deadline: .seconds(20)))
      #expect(reply.isSuccess, "\(reply.message ?? "")")
      try StreamIO.writeAll(silent, Confirmation(seen: true).encoded(), deadline: .seconds(5))
    }
    await server.server.stop(grace: .seconds(20))
    #expect(node.mountPoints().count == 3)
  }

  @Test("a directory that cannot be read is a failure that leaves nothing behind", arguments: calls)
  func unviewable(arguments: [String]) async throws {
    let daemon = try await node.start()
    node.tools.state.withLock { $0.failing = "view" }
    await daemon.fail(arguments, naming: "view")
    #expect(node.mountPoints().isEmpty)
    #expect(node.view.isEmpty)
  }
}
