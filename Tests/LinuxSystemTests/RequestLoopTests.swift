import Glibc
import LinuxSystem
import Synchronization
import Testing

@Suite("Request loop", .timeLimit(.minutes(1)))
struct RequestLoopTests {
  private static func limits(
    connections: Int = 8, dropsOldest: Bool = false, requestTime: Duration = .seconds(30), answerTime: Duration? = nil,
    replyTime: Duration = .seconds(30)
  ) -> RequestLoop.Limits {
    RequestLoop.Limits(
      connections: connections, dropsOldest: dropsOldest, requestSize: 100, requestTime: requestTime,
      answerTime: answerTime, replyTime: replyTime, lingers: false)
  }

  /// The results that a loop reported to its handler.
  private final class Heard: Sendable {
    struct State: Sendable {
      var exchanges: [Exchange] = []
      var failures: [FrameError] = []
      var gone = 0
      var endings: [Bool] = []
    }

    let state = Mutex(State())
    var gone: Int { state.withLock { $0.gone } }
    var endings: [Bool] { state.withLock { $0.endings } }
    var exchanges: [Exchange] { state.withLock { $0.exchanges } }
    var failures: [FrameError] { state.withLock { $0.failures } }
  }

  private func loop(_ limits: RequestLoop.Limits, _ heard: Heard) throws -> RequestLoop {
    try RequestLoop(name: "loop", framing: .line, limits: limits) { request, exchange in
      switch request {
      case .success(let bytes) where bytes == Array("echo".utf8):
        exchange.reply(bytes + [0x0A]) { isDelivered in heard.state.withLock { $0.endings.append(isDelivered) } }
      case .success: heard.state.withLock { $0.exchanges.append(exchange) }
      case .failure(let error):
        heard.state.withLock { $0.failures.append(error) }
        exchange.drop()
      }
      return { heard.state.withLock { $0.gone += 1 } }
    }
  }

  /// Returns the client's end of a connection to the loop.
  private func connect(_ loop: RequestLoop, source: UInt64 = 0) throws -> Descriptor {
    let pair = try UnixSocket.pair()
    let ends = (dup(pair.first.rawValue), dup(pair.second.rawValue))
    loop.add(Descriptor(adopting: ends.0), source: source)
    return Descriptor(adopting: ends.1)
  }

  private func send(_ text: String, _ socket: borrowing Descriptor) throws {
    try StreamIO.writeAll(socket, Array(text.utf8), deadline: .seconds(5))
  }

  private func line(_ socket: borrowing Descriptor) throws -> String {
    String(decoding: try StreamIO.readFrame(socket, limit: 1000, deadline: .seconds(20)), as: UTF8.self)
  }

  @Test("a reply is sent at once or later, also in pieces, and the handler is told that it was sent")
  func replies() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(), heard)
    let first = try connect(loop)
    try send("ec", first)
    let second = try connect(loop)
    try send("later\n", second)
    #expect(try await eventually { heard.exchanges.count == 1 })
    try send("ho\n", first)
    #expect(try line(first) == "echo")
    #expect(try await eventually { heard.endings == [true] })
    heard.exchanges[0].reply(Array("now\n".utf8))
    #expect(try line(second) == "now")
    #expect(try await eventually { loop.connections == 0 })
    #expect(heard.gone == 0)
    loop.stop()
  }

  @Test("the handler is told once that a peer has gone, and a reply for that peer is dropped")
  func gone() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(), heard)
    do {
      let client = try connect(loop)
      try send("later\n", client)
      #expect(try await eventually { heard.exchanges.count == 1 })
    }
    #expect(try await eventually { heard.gone == 1 && loop.connections == 0 })
    heard.exchanges[0].reply(Array("late\n".utf8)) { _ in heard.state.withLock { $0.endings.append(false) } }
    let other = try connect(loop)
    try send("echo\n", other)
    #expect(try line(other) == "echo")
    #expect(try await eventually { heard.endings == [true] })
    #expect(heard.gone == 1)
    loop.stop()
  }

  @Test("requests that are too large, incomplete or late fail")
  func failures() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(requestTime: .milliseconds(50)), heard)
    let large = try connect(loop)
    try send(String(repeating: "x", count: 200) + "\n", large)
    #expect(try await eventually { heard.failures == [.tooLarge(limit: 100)] })
    let torn = try connect(loop)
    try send("abc", torn)
    try UnixSocket.endWriting(torn)
    #expect(try await eventually { heard.failures.dropFirst() == [.closed(received: 3)] })
    let late = try connect(loop)
    #expect(try await eventually { heard.failures.dropFirst(2) == [.timedOut] })
    #expect(try await eventually { loop.connections == 0 })
    let areClosed = Self.isClosed(large) && Self.isClosed(torn) && Self.isClosed(late)
    #expect(areClosed)
    loop.stop()
  }

  @Test("a peer that does not take its reply in time is closed, and the sender of the reply is told")
  func notTaken() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(replyTime: .milliseconds(50)), heard)
    let client = try connect(loop)
    try send("later\n", client)
    #expect(try await eventually { heard.exchanges.count == 1 })
    // More than the buffers of the sockets hold.
    heard.exchanges[0].reply([UInt8](repeating: 0x78, count: 16 << 20)) { isDelivered in
      heard.state.withLock { $0.endings.append(isDelivered) }
    }
    #expect(try await eventually { heard.endings == [false] && loop.connections == 0 })
    let isClosed = Self.isClosed(client)
    #expect(isClosed)
    loop.stop()
  }

  @Test("a connection whose reply does not begin in time is closed, and the handler is told")
  func notAnswered() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(answerTime: .milliseconds(50)), heard)
    let client = try connect(loop)
    try send("later\n", client)
    #expect(try await eventually { heard.gone == 1 && loop.connections == 0 })
    let isClosed = Self.isClosed(client)
    #expect(isClosed)
    loop.stop()
  }

  @Test("connections above the limit wait and are served as others end")
  func waiting() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(connections: 2), heard)
    var idle = [Held(try connect(loop)), Held(try connect(loop))]
    #expect(try await eventually { loop.connections == 2 })
    let third = try connect(loop)
    try send("echo\n", third)
    idle.removeLast()
    #expect(try line(third) == "echo")
    withExtendedLifetime(idle) {}
    loop.stop()
  }

  @Test("at the limit the source with the most connections loses its oldest")
  func dropsOldest() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(connections: 4, dropsOldest: true), heard)
    let quiet = try connect(loop, source: 1)
    let many = try (0..<20).map { _ in Held(try connect(loop, source: 2)) }
    #expect(try await eventually { loop.connections == 4 && Self.areClosed(many[...16]) })
    let isQuietClosed = Self.isClosed(quiet)
    #expect(!isQuietClosed)
    for held in many[17...] {
      let isClosed = Self.isClosed(held.socket)
      #expect(!isClosed)
    }
    try send("echo\n", quiet)
    #expect(try line(quiet) == "echo")
    loop.stop()
  }

  @Test("its end closes all connections, tells their handlers, and no caller waits to add a connection any more")
  func stop() async throws {
    let heard = Heard()
    let loop = try loop(Self.limits(connections: 1), heard)
    let client = try connect(loop)
    try send("later\n", client)
    #expect(try await eventually { heard.exchanges.count == 1 })
    loop.stop()
    #expect(try await eventually { heard.gone == 1 })
    let isClosed = Self.isClosed(client)
    #expect(isClosed)
    for _ in 0..<200 { _ = try connect(loop) }
  }

  /// A client's end, for an array.
  private final class Held: Sendable {
    let socket: Descriptor
    init(_ socket: consuming Descriptor) { self.socket = socket }
  }

  private static func areClosed(_ many: ArraySlice<Held>) -> Bool { many.allSatisfy { isClosed($0.socket) } }

  private static func isClosed(_ socket: borrowing Descriptor) -> Bool {
    var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 1 && Int32(entry.revents) & POLLHUP != 0
  }
}

@Suite("Descriptors of a process")
struct DescriptorLimitTests {
  @Test("the limit is raised for this process, and programs that it starts get the former limit")
  func raised() throws {
    var before = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
    let raised = OwnProcess.raiseDescriptorLimit(to: 100_000_000)
    #expect(raised == UInt64(min(before.rlim_max, 100_000_000)) || raised == UInt64(before.rlim_cur))
    #expect(OwnProcess.raiseDescriptorLimit(to: 10) == raised, "never lowered")
    let limits = try run("cat", "/proc/self/limits")
    let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
    #expect(line.split(separator: " ").compactMap { UInt64($0) }.first == UInt64(before.rlim_cur))
  }
}
