import Glibc
import LinuxSystem
import Synchronization
import Testing

/// The request of a peer after a reply, as the flex client sends one after a mount.
@Suite("A request after a reply", .timeLimit(.minutes(1)))
struct NextRequestTests {
  /// Creates a loop that replies `reply` to every request and then takes one more request of at most 10 bytes.
  private final class Server: Sendable {
    typealias Word = Result<[UInt8], FrameError>

    struct State: Sendable {
      var words: [Word] = []
      var exchanges: [Exchange] = []
    }

    /// The results that the loop reported.
    private final class Told: Sendable {
      let state = Mutex(State())
    }

    private let told: Told
    let loop: RequestLoop

    init(time: Duration = .seconds(30), replyTime: Duration = .seconds(30), reply: Int = 0) throws {
      let told = Told()
      self.told = told
      let limits = RequestLoop.Limits(
        connections: 64, dropsOldest: false, requestSize: 100, requestTime: .seconds(30), answerTime: nil,
        replyTime: replyTime, lingers: false)
      loop = try RequestLoop(name: "loop", framing: .line, limits: limits) { _, exchange in
        let next = NextRequest(size: 10, time: time) { word in
          told.state.withLock { state in
            state.words.append(word)
            state.exchanges.append(exchange)
          }
        }
        exchange.reply([UInt8](repeating: 0x72, count: reply) + [0x0A], expecting: next)
        return nil
      }
    }

    var words: [Word] { told.state.withLock { $0.words } }
    func dropAll() { for exchange in told.state.withLock({ $0.exchanges }) { exchange.drop() } }

    /// Returns the client's end of a connection that has received its reply.
    func connected() throws -> Descriptor {
      let client = try asked()
      _ = try StreamIO.readFrame(client, limit: 10, deadline: .seconds(20))
      return client
    }

    func asked() throws -> Descriptor {
      let pair = try UnixSocket.pair()
      let ends = (dup(pair.first.rawValue), dup(pair.second.rawValue))
      loop.add(Descriptor(adopting: ends.0))
      let client = Descriptor(adopting: ends.1)
      try StreamIO.writeAll(client, Array("hello\n".utf8), deadline: .seconds(5))
      return client
    }
  }

  private func send(_ text: String, _ socket: borrowing Descriptor) throws {
    try StreamIO.writeAll(socket, Array(text.utf8), deadline: .seconds(5))
  }

  private static func isClosed(_ socket: borrowing Descriptor) -> Bool {
    var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 1 && Int32(entry.revents) & POLLHUP != 0
  }

  @Test("the request can come in pieces, and the connection stays until it is dropped")
  func whole() async throws {
    let server = try Server()
    let client = try server.connected()
    try send("se", client)
    try send("en\n", client)
    #expect(try await eventually { server.words == [.success(Array("seen".utf8))] })
    let isClosedEarly = Self.isClosed(client)
    #expect(!isClosedEarly && server.loop.connections == 1)
    server.dropAll()
    #expect(throws: FrameError.closed(received: 0)) {
      _ = try StreamIO.readFrame(client, limit: 1, deadline: .seconds(20))
    }
    #expect(try await eventually { server.loop.connections == 0 })
    #expect(server.words.count == 1)
    server.loop.stop()
  }

  @Test("a request that is too large or incomplete fails, and the handler is called once")
  func none() async throws {
    let server = try Server()
    let large = try server.connected()
    try send("more than ten bytes\n", large)
    #expect(try await eventually { server.words == [.failure(.tooLarge(limit: 10))] })
    let torn = try server.connected()
    try send("se", torn)
    try UnixSocket.endWriting(torn)
    #expect(try await eventually { server.words.dropFirst() == [.failure(.closed(received: 2))] })
    do { _ = try server.connected() }
    #expect(try await eventually { server.words.dropFirst(2) == [.failure(.closed(received: 0))] })
    server.dropAll()
    #expect(try await eventually { server.loop.connections == 0 })
    #expect(server.words.count == 3)
    server.loop.stop()
  }

  @Test("the send of a peer that is too late fails")
  func late() async throws {
    let server = try Server(time: .milliseconds(20))
    let client = try server.connected()
    try send("se", client)
    #expect(try await eventually { server.words == [.failure(.timedOut)] })
    let error = #expect(throws: SystemError.self) { try send("en\n", client) }
    #expect(error?.errno == .brokenPipe)
    let isClosedEarly = Self.isClosed(client)
    #expect(!isClosedEarly && server.loop.connections == 1)
    server.dropAll()
    #expect(try await eventually { server.loop.connections == 0 })
    server.loop.stop()
  }

  @Test("at the deadline no request is lost: it was received, or its sender got an error")
  func deadline() async throws {
    for number in 0..<100 {
      let server = try Server(time: .milliseconds(1))
      let client = try server.connected()
      ThreadSleep.sleep(.microseconds(800 + 4 * number))
      var isSent = true
      do throws(SystemError) {
        try StreamIO.writeAll(client, Array("seen\n".utf8), deadline: .seconds(5))
      } catch {
        #expect(error.errno == .brokenPipe)
        isSent = false
      }
      #expect(try await eventually { server.words.count == 1 })
      #expect(server.words == [isSent ? .success(Array("seen".utf8)) : .failure(.timedOut)])
      server.loop.stop()
    }
  }

  @Test("the handler is called once when the reply is not taken, and when the loop ends")
  func ended() async throws {
    let slow = try Server(replyTime: .milliseconds(50), reply: 1 << 22)
    let client = try slow.asked()
    #expect(try await eventually { slow.words == [.failure(.closed(received: 0))] && slow.loop.connections == 0 })
    withExtendedLifetime(client) {}
    slow.loop.stop()

    let server = try Server()
    let other = try server.connected()
    #expect(server.words.isEmpty)
    server.loop.stop()
    #expect(try await eventually { server.words == [.failure(.closed(received: 0))] })
    let isClosed = Self.isClosed(other)
    #expect(isClosed)
  }
}
