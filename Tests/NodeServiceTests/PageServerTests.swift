import Glibc
import LinuxSystem
import StorageModel
import Synchronization
import Telemetry
import Testing

/// A client of a page server that does what no good one does.
final class RudeClient: Sendable {
  let socket: Descriptor

  /// - Parameter receiving: the size of the socket's receive buffer; the kernel's own choice unless given.
  init(port: UInt16, family: Int32 = AF_INET, receiving: Int32? = nil) throws(SystemError) {
    let number = Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0)
    guard number >= 0 else { throw SystemError(operation: "make socket", subject: "", errno: .current) }
    socket = Descriptor(adopting: number)
    if var size = receiving {
      setsockopt(number, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    let result = family == AF_INET6 ? Self.connectV6(number, port) : Self.connectV4(number, port)
    guard result == 0 else { throw SystemError(operation: "connect", subject: "\(port)", errno: .current) }
  }

  private static func connectV4(_ socket: Int32, _ port: UInt16) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func connectV6(_ socket: Int32, _ port: UInt16) -> Int32 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  }

  func send(_ text: String) throws(SystemError) {
    try StreamIO.writeAll(socket, Array(text.utf8), deadline: .seconds(5))
  }

  /// All that comes until the server closes.
  func receiveAll() -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(socket.rawValue, &buffer, buffer.count, 0)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  /// Whether something can be read.
  var hasInput: Bool { peek() > 0 }

  /// Whether the server has closed the connection, and nothing is left to read.
  var isClosed: Bool {
    let count = peek()
    return count == 0 || count < 0 && errno != EAGAIN
  }

  private func peek() -> Int {
    var byte: UInt8 = 0
    return recv(socket.rawValue, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
  }

  static func get(_ path: String, port: UInt16, family: Int32 = AF_INET) throws(SystemError) -> String {
    let client = try RudeClient(port: port, family: family)
    try client.send("GET \(path) HTTP/1.1\r\n\r\n")
    return client.receiveAll()
  }
}

@Suite("Pages for hostile peers", .serialized, .timeLimit(.minutes(2)))
struct PageServerTests {
  private let threads = WorkerPool(name: "test", limit: 4)
  /// More than the socket's buffers hold.
  private static let large = String(repeating: "0123456789abcdef", count: 1 << 20)

  private func serve(_ address: String = "127.0.0.1:0", health: String = "ok\n") throws -> PageServer {
    let server = try PageServer(address: address, log: .silent) { path in
      switch path {
      case "/healthz": .now(.init(health))
      case "/metrics": .task { .init(Self.large) }
      default: nil
      }
    }
    threads.post { server.acceptConnections() }
    return server
  }

  @Test("40 clients that do not read delay neither tasks nor health; of 1,000 idle ones at most 128 are kept")
  func rude() async throws {
    OwnProcess.raiseDescriptorLimit()
    let server = try serve()
    let port = server.port
    try await threads.run { () throws in
      var clients: [RudeClient] = []
      for _ in 0..<40 {
        let client = try RudeClient(port: port, receiving: 2048)
        try client.send("GET /metrics HTTP/1.1\r\n\r\n")
        clients.append(client)
      }
      // The server has begun to send to each, and cannot end it.
      let limit = MonotonicClock.now() + .seconds(20)
      while !clients.allSatisfy(\.hasInput), MonotonicClock.now() < limit { usleep(1000) }
      let haveInput = clients.allSatisfy(\.hasInput)
      try #require(haveInput, "those that do not read keep others from their page")
      try Self.expectHealth(port)
      let idle = try (0..<1000).map { _ in try RudeClient(port: port) }
      try Self.expectHealth(port)
      // Those that came before were accepted before.
      let left = idle.count { !$0.isClosed }
      #expect(left <= 128, "\(left) idle connections are left")
      withExtendedLifetime(clients) {}
    }
    // One blocked thread for each processor would be enough to keep this from running.
    let before = MonotonicClock.now()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { await Task.yield() } }
    }
    #expect(MonotonicClock.now() - before < .seconds(4))
    server.stop()
  }

  private static func expectHealth(_ port: UInt16) throws {
    let before = MonotonicClock.now()
    for _ in 0..<20 { #expect(try RudeClient.get("/healthz", port: port).hasSuffix("\r\n\r\nok\n")) }
    #expect(MonotonicClock.now() - before < .seconds(4), "health took \(MonotonicClock.now() - before)")
  }

  @Test("a page is built once, however many clients request it at a time")
  func once() async throws {
    let made = MadeCount()
    let gate = Gate()
    let server = try PageServer(address: "127.0.0.1:0", log: .silent) { _ in
      .task {
        made.value.withLock { $0 += 1 }
        await gate.pass()
        return .init("page\n")
      }
    }
    threads.post { server.acceptConnections() }
    let port = server.port
    let clients = try (0..<20).map { _ in
      let client = try RudeClient(port: port)
      try client.send("GET /metrics HTTP/1.1\r\n\r\n")
      return client
    }
    #expect(try await eventually { server.waitingForPages == clients.count })
    gate.open()
    for client in clients {
      #expect(await threads.run { client.receiveAll() }.hasSuffix("page\n"))
    }
    #expect(made.value.withLock { $0 } == 1)
    server.stop()
  }

  @Test("a connection whose request does not end in time is closed")
  func silent() async throws {
    let server = try serve()
    let port = server.port
    let client = try RudeClient(port: port)
    try client.send("GET /healthz HTTP/1.1\r\n")
    let before = MonotonicClock.now()
    #expect(await threads.run { client.receiveAll() } == "")
    #expect(MonotonicClock.now() - before >= .seconds(4))
    server.stop()
  }

  @Test("an empty host and [::] listen for both families, 0.0.0.0 and 127.0.0.1 for IPv4 alone")
  func families() async throws {
    let rows: [(address: String, v4: Bool, v6: Bool)] = [
      (":0", true, true), ("[::]:0", true, true), ("[::1]:0", false, true), ("0.0.0.0:0", true, false),
      ("127.0.0.1:0", true, false),
    ]
    for row in rows {
      // Another process may listen on the same port of the other family.
      let health = "\(row.address) of \(OwnProcess.processID)\n"
      let server = try serve(row.address, health: health)
      let port = server.port
      for (family, isServed) in [(AF_INET, row.v4), (AF_INET6, row.v6)] {
        let reply = await threads.run { try? RudeClient.get("/healthz", port: port, family: family) }
        #expect((reply?.hasSuffix(health) ?? false) == isServed, "\(row.address), family \(family)")
      }
      server.stop()
    }
  }
}

/// How often something was made.
final class MadeCount: Sendable {
  let value = Mutex(0)
}

/// Keeps tasks until it is opened.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      defer { state = (true, []) }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// Waits until something is true, up to a minute.
func eventually(_ condition: () throws -> Bool) async throws -> Bool {
  let limit = MonotonicClock.now() + .seconds(60)
  while MonotonicClock.now() < limit {
    if try condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return try condition()
}
