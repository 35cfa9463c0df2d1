import Glibc
import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import NodeCalls
@testable import NodeService

/// A daemon's server on a real Unix socket, on a simulated node.
final class RunningServer: Sendable {
  let node: SimulatedNode
  let path: String
  let context: NodeContext
  let server: NodeServer
  private let pool = WorkerPool(name: "test", limit: 300)

  init(
    node: SimulatedNode, steps: StepPoints = .none, connections: Int = 128, makingCalls: Int = 128,
    confirmationDeadline: Duration = .seconds(30)
  ) async throws {
    self.node = node
    path = node.directory["socket/daemon"]
    context = node.context(steps: steps)
    try Files.makeDirectories(node.configuration.stagingDirectory, mode: 0o700)
    try await context.engine.start()
    try context.permits.prepare()
    server = try NodeServer(
      path: path, handler: SimulatedNode.handler(context), connections: connections,
      makingCalls: makingCalls, confirmationDeadline: confirmationDeadline)
    let server = server
    pool.post { server.acceptConnections() }
  }

  /// One exchange on a thread that may block: sends the bytes and reads the reply's line.
  func exchange(_ bytes: [UInt8], endWriting: Bool = false) async throws -> [UInt8] {
    let path = path
    return try await pool.run { () throws in
      let connection = try UnixSocket.connect(path: path)
      // A server that has had enough closes before it has read everything; its reply is there all the same.
      do throws(SystemError) { try StreamIO.writeAll(connection, bytes, deadline: .seconds(10)) } catch {}
      if endWriting { try UnixSocket.endWriting(connection) }
      return try StreamIO.readFrame(connection, limit: 1 << 20, deadline: .seconds(20))
    }
  }

  func call(_ arguments: [String]) async throws -> Reply {
    try Reply(decoding: try await exchange(Request(arguments).encoded()))
  }

  func blocking<Value: Sendable>(_ body: @Sendable @escaping () throws -> Value) async throws -> Value {
    try await pool.run(body)
  }
}

@Suite("The socket of the daemon", .timeLimit(.minutes(2)))
struct ServerTests {
  private let node: SimulatedNode

  init() throws { node = try SimulatedNode() }

  private func until(_ isTrue: @Sendable () -> Bool) async throws {
    let limit = MonotonicClock.now() + .seconds(15)
    while !isTrue() {
      try #require(MonotonicClock.now() < limit, "waited for 15 s in vain")
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  @Test("a call over the socket is answered with one line, and the socket is root's alone")
  func call() async throws {
    let server = try await RunningServer(node: node)
    let bytes = try await server.exchange(Request(SimulatedNode.mount(1)).encoded())
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"status":"Success"}"#)
    #expect(node.mountPoints().count == 2)
    var status = stat()
    #expect(stat(server.path, &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o600)
    #expect(status.st_mode & S_IFMT == S_IFSOCK)
    await server.server.stop(grace: .zero)
  }

  @Test("a caller that ends its writing behind the request gets its reply")
  func halfClosed() async throws {
    let server = try await RunningServer(node: node)
    let bytes = try await server.exchange(Request(SimulatedNode.mount(1)).encoded(), endWriting: true)
    #expect(try Reply(decoding: bytes).isSuccess)
    #expect(node.mountPoints().count == 2, "and its mount is not taken back")
    await server.server.stop(grace: .zero)
  }

  @Test("invalid requests are refused with a reply that shows none of their content, and the daemon continues")
  func garbage() async throws {
    let server = try await RunningServer(node: node)
    let secret = "hunter2"
    let rows: [(String, String)] = [
      ("\n", "an empty line"), ("\(secret)\n", "a word"), ("{\"version\":1}\n", "no arguments"),
      ("{\"version\":1,\"arguments\":[\"\(secret)\",1]}\n", "a number among the arguments"),
      ("{\"arguments\":[\"\(secret)\"]}\n", "no version"), ("[\"\(secret)\"]\n", "no object"),
      ("{\"version\":99,\"arguments\":[\"\(secret)\"]}\n", "another version"),
      ("GET /\(secret) HTTP/1.1\r\n\r\n", "another protocol"), ("\u{0}\u{0}\u{0}\n", "zeros"),
      ("{\"version\":1,\"arguments\":[\"\(secret)", "a torn request"), ("", "nothing at all"),
    ]
    for (text, remark) in rows {
      let reply = try Reply(decoding: try await server.exchange(Array(text.utf8), endWriting: true))
      #expect(reply.status == "Failure", "\(remark)")
      #expect(reply.message?.contains(secret) == false, "\(remark)")
    }
    var invalid = Array(#"{"version":1,"arguments":["mount","#.utf8)
    invalid += [0x22, 0xFF, 0xFE, 0x22, 0x5D, 0x7D, 0x0A]
    #expect(try Reply(decoding: try await server.exchange(invalid)).status == "Failure", "no UTF-8")
    #expect(node.view.isEmpty)
    #expect(node.lines.withLock { $0.filter { $0.contains(secret) } } == [])
    #expect(server.context.metrics.snapshot.refusedConnections == rows.count + 1)
    #expect(try await server.call(["init"]).isSuccess)
    await server.server.stop(grace: .zero)
  }

  @Test("a request of another version says which the daemon speaks")
  func version() async throws {
    let server = try await RunningServer(node: node)
    let reply = try Reply(
      decoding: try await server.exchange(Request(SimulatedNode.mount(1), version: 2).encoded()))
    #expect(reply.status == "Failure")
    #expect(reply.message?.contains("version 2") == true && reply.message?.contains("version 1") == true)
    #expect(node.view.isEmpty)
    await server.server.stop(grace: .zero)
  }

  @Test("a request of more than 1 MiB is refused, one of just 1 MiB is read")
  func oversized() async throws {
    let server = try await RunningServer(node: node)
    let frame = [UInt8](repeating: UInt8(ascii: "x"), count: Request.maximumSize)
    let refused = try Reply(decoding: try await server.exchange(frame + [0x78, 0x0A]))
    #expect(refused.message?.contains("larger than") == true)
    let read = try Reply(decoding: try await server.exchange(frame + [0x0A]))
    #expect(read.message?.contains("not a JSON object") == true)
    await server.server.stop(grace: .zero)
  }

  @Test("a silent caller is disconnected after five seconds, and delays nobody meanwhile")
  func slow() async throws {
    let server = try await RunningServer(node: node)
    let start = MonotonicClock.now()
    async let slow = server.exchange(Array(#"{"version":1,"#.utf8))
    #expect(try await server.call(SimulatedNode.mount(1)).isSuccess)
    #expect(MonotonicClock.now() - start < .seconds(4))
    let reply = try Reply(decoding: try await slow)
    #expect(reply.message?.contains("in time") == true)
    #expect(MonotonicClock.now() - start < .seconds(60))
    await server.server.stop(grace: .zero)
  }

  @Test("two hundred callers at once are all answered")
  func crowd() async throws {
    let server = try await RunningServer(node: node, connections: 32)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<200 {
        group.addTask {
          try await server.call(SimulatedNode.mount(number % 4, volume: "pvc-\(number / 4 % 5)")).isSuccess
        }
      }
      for try await isSuccess in group { #expect(isSuccess) }
    }
    #expect(node.view.volumes.count == 5)
    #expect(node.mountPoints().count == 25)
    #expect(node.tools.formatCount == 5)
    await server.server.stop(grace: .zero)
  }

  @Test("while as many mounts hang as are allowed, another is refused at once, and unmount and status are served")
  func slots() async throws {
    let hanging = Flag()
    let gate = Once<Void>()
    await (try await node.start()).succeed(SimulatedNode.mount(9, volume: "pvc-9"))
    let server = try await RunningServer(
      node: node,
      steps: StepPoints { step async throws(VolumeError) in
        guard step == .permitWritten else { return }
        hanging.set()
        await gate.value
      }, makingCalls: 2)
    async let first = server.call(SimulatedNode.mount(1, volume: "pvc-1"))
    async let second = server.call(SimulatedNode.mount(2, volume: "pvc-2"))
    try await until { server.context.metrics.snapshot.inFlight == 2 && hanging.isSet }
    let refused = try await server.call(SimulatedNode.mount(3, volume: "pvc-3"))
    #expect(refused.status == "Failure" && refused.message?.contains("2 calls are in progress") == true)
    #expect(try await server.call(SimulatedNode.unmount(9, volume: "pvc-9")).isSuccess)
    #expect(try await server.call(["status"]).isSuccess)
    await gate.set(())
    #expect(try await first.isSuccess)
    #expect(try await second.isSuccess)
    await server.server.stop(grace: .zero)
  }

  @Test("a caller that leaves while its call runs gets all of it undone", arguments: StepPoint.makingOfAMount)
  func leaves(_ point: StepPoint) async throws {
    let reached = Flag()
    let server = try await RunningServer(
      node: node,
      steps: StepPoints { step async throws(VolumeError) in
        guard step == point else { return }
        reached.set()
        // Goes on when the daemon has noticed that the caller has gone; or, should it not, after a while.
        let limit = MonotonicClock.now() + .seconds([.formatted, .permitRemoved].contains(point) ? 1 : 10)
        while !Task.isCancelled, MonotonicClock.now() < limit { await Task.yield() }
      })
    let path = server.path
    try await server.blocking {
      let connection = try UnixSocket.connect(path: path)
      try StreamIO.writeAll(connection, Request(SimulatedNode.mount(1)).encoded(), deadline: .seconds(5))
      while !reached.isSet { usleep(1000) }
    }
    // The connection is closed now. Stopping waits for the call to end and for what it did to be taken back.
    await server.server.stop(grace: .seconds(20))
    if [.formatted, .permitRemoved].contains(point) {
      // mkfs goes on without its caller: what it made is whole, and the next call's.
      await server.context.locks.stopRuns(within: .seconds(20))
      #expect(node.view.volumes.count == 1 && node.mountPoints().isEmpty)
      #expect(try server.context.permits.volumes().isEmpty)
      await SimulatedNode.handler(node.context()).succeed(SimulatedNode.mount(1))
      #expect(node.tools.formatCount == 1)
    } else {
      #expect(node.view.isEmpty, "\(node.view)")
    }
  }

  @Test("a call that runs when the daemon is told to stop is finished within the grace time")
  func drain() async throws {
    let reached = Flag()
    let gate = Once<Void>()
    let server = try await RunningServer(
      node: node,
      steps: StepPoints { step async throws(VolumeError) in
        guard step == .staged else { return }
        reached.set()
        await gate.value
      })
    async let reply = server.call(SimulatedNode.mount(1))
    try await until { reached.isSet }
    async let stopped: Void = server.server.stop(grace: .seconds(20))
    await gate.set(())
    #expect(try await reply.isSuccess)
    await stopped
    #expect(node.mountPoints().count == 2)
    #expect(throws: SystemError.self, "nobody is accepted any more") { _ = try UnixSocket.connect(path: server.path) }
  }

  @Test("a call that runs beyond the grace time is cancelled and undone")
  func drainExpired() async throws {
    let reached = Flag()
    let server = try await RunningServer(
      node: node,
      steps: StepPoints { step async throws(VolumeError) in
        guard step == .volumeCreated else { return }
        reached.set()
        // As a tool that ends when its task is cancelled.
        while !Task.isCancelled { await Task.yield() }
      })
    async let reply = server.call(SimulatedNode.mount(1))
    try await until { reached.isSet }
    await server.server.stop(grace: .zero)
    #expect(try await reply.status == "Failure")
    #expect(node.view.isEmpty)
  }

  @Test("a second listener takes the socket's place, as after a restart")
  func restart() async throws {
    let first = try await RunningServer(node: node)
    let second = try await RunningServer(node: node)
    #expect(try await second.call(SimulatedNode.mount(1)).isSuccess)
    await first.server.stop(grace: .zero)
    #expect(try await second.call(SimulatedNode.unmount(1)).isSuccess)
    await second.server.stop(grace: .zero)
  }

  @Test("a socket that was removed, with its directory too, is created again, and calls are served as before")
  func socketRemoved() async throws {
    let server = try await RunningServer(node: node)
    #expect(try server.server.restoreSocket() == .inPlace)
    for _ in 0..<3 {
      try Files.removeTree(node.directory["socket"])
      #expect(try server.server.restoreSocket() == .restored)
      #expect(try server.server.restoreSocket() == .inPlace)
      #expect(try await server.call(SimulatedNode.mount(1)).isSuccess)
    }
    await server.server.stop(grace: .zero)
    try Files.removeTree(node.directory["socket"])
    #expect(try server.server.restoreSocket() == .inPlace, "a server that was stopped makes none")
    #expect(!Files.exists(server.path))
  }

  @Test("a call that runs when its socket is removed is answered")
  func socketRemovedInMidCall() async throws {
    let reached = Flag()
    let gate = Once<Void>()
    let server = try await RunningServer(
      node: node,
      steps: StepPoints { step async throws(VolumeError) in
        guard step == .staged else { return }
        reached.set()
        await gate.value
      })
    async let reply = server.call(SimulatedNode.mount(1))
    try await until { reached.isSet }
    try Files.removeDurably(server.path)
    #expect(try server.server.restoreSocket() == .restored)
    await gate.set(())
    #expect(try await reply.isSuccess)
    await server.server.stop(grace: .seconds(20))
    #expect(node.mountPoints().count == 2)
  }

  @Test("another daemon's socket of the same name is left alone")
  func socketReplaced() async throws {
    let first = try await RunningServer(node: node)
    let second = try await RunningServer(node: node)
    #expect(try first.server.restoreSocket() == .replaced)
    #expect(try second.server.restoreSocket() == .inPlace)
    #expect(try await second.call(SimulatedNode.mount(1)).isSuccess)
    await first.server.stop(grace: .zero)
    await second.server.stop(grace: .zero)
  }

  @Test("status shows volumes, where they are, what is interrupted and the last commands, and no secret")
  func status() async throws {
    let server = try await RunningServer(node: node)
    _ = try await server.call([
      "mount", SimulatedNode.pod(1), SimulatedNode.options(["kubernetes.io/secret/key": "hunter2"]),
    ])
    _ = try await server.call(["waitforattach", "", SimulatedNode.options(volume: "pvc-2")])
    _ = try await server.call(["retain", "pvc-2"])
    let bytes = try await server.exchange(Request(["status"]).encoded())
    #expect(!String(decoding: bytes, as: UTF8.self).contains("hunter2"))
    let report = try #require(try Reply(decoding: bytes).report)
    #expect(report.node == "node-1" && report.engine == "simulated" && report.release == "test")
    #expect(report.interrupted == ["pvc-2"])
    #expect(report.groups.count == 1 && report.groups.first?.volumes == 2)
    let volume = try #require(report.volumes.first { $0.name == SimulatedNode.name })
    #expect(volume.publishedAt == [SimulatedNode.pod(1)])
    #expect(volume.stagedAt == node.stagingPath)
    #expect(volume.device == SimulatedNode.device)
    #expect(report.volumes.first { $0.name == "pvc-2" }?.isRetained == true)
    #expect(report.commands.contains { $0.command == "create \(SimulatedNode.name)" })
    await server.server.stop(grace: .zero)
  }
}

extension StepPoint {
  /// Those that a mount of a new volume reaches.
  static let makingOfAMount: [StepPoint] = [
    .permitWritten, .volumeCreated, .volumeCleared, .formatPermitted, .formatted, .permitRemoved,
    .stagingDirectoryCreated,
    .staged, .published,
  ]
}

@Suite("Metrics and health over HTTP", .timeLimit(.minutes(1)))
struct MetricsServerTests {
  private func get(_ server: MetricsServer, _ request: String) async throws -> String {
    let pool = WorkerPool(name: "http", limit: 2)
    let port = server.port
    return try await pool.run { () throws in
      let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let connection = Descriptor(adopting: number)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else { throw SystemError(operation: "connect", subject: "metrics", errno: .current) }
      try StreamIO.writeAll(connection, Array(request.utf8), deadline: .seconds(5))
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = recv(number, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        bytes += buffer[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test("metrics and health are served, other paths and methods are not, and garbage gets no answer")
  func requests() async throws {
    let node = try SimulatedNode()
    let daemon = try await node.start()
    await daemon.succeed(SimulatedNode.mount(1))
    let server = try MetricsServer(address: "127.0.0.1:0", context: daemon.context, release: "test")
    let pool = WorkerPool(name: "accept", limit: 1)
    pool.post { server.acceptConnections() }
    let rows: [(String, String, String)] = [
      ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "metrics"),
      ("GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "health"),
      ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "nothing there"),
      ("GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "no files"),
      ("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "another method"),
      ("GET\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "half a request"),
      ("\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "an empty one"),
      (String(repeating: "x", count: 20_000) + "\r\n\r\n", "", "too large a head"),
    ]
    for (request, head, remark) in rows {
      let reply = try await get(server, request)
      #expect(reply.hasPrefix(head) && (head.isEmpty == reply.isEmpty), "\(remark): \(reply.prefix(200))")
      guard let end = reply.firstRange(of: "\r\n\r\n") else { continue }
      let length = reply[end.upperBound...].utf8.count
      #expect(reply.contains("Content-Length: \(length)\r\n"), "\(remark)")
    }
    let text = try await get(server, "GET /metrics HTTP/1.1\r\n\r\n")
    #expect(text.contains("\nelastic_local_group_volumes{group=\"simulated-vg\"} 1\n"))
    #expect(text.contains("\nelastic_local_calls_total{outcome=\"success\",verb=\"mount\"} 1\n"))
    #expect(text.hasSuffix("\n"))
    server.stop()
  }

  @Test(
    "an address that is none is refused, naming it", arguments: ["", "nowhere", "127.0.0.1", "host:80", "1.2.3.4:x"])
  func address(_ address: String) async throws {
    let node = try SimulatedNode()
    let context = node.context()
    let error = #expect(throws: VolumeError.self) {
      _ = try MetricsServer(address: address, context: context, release: "test")
    }
    #expect(error?.code == .invalid)
  }
}
