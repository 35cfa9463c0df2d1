import KubernetesAPI
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@Suite("Transport", .serialized)
struct TransportTests {
  private func with(
    _ answer: @escaping @Sendable (String, StubServer.Connection) -> Bool,
    _ body: (CurlTransport, StubServer) async throws -> Void
  ) async throws {
    let server = try StubServer(answer)
    defer { server.stop() }
    let configuration = ConnectionConfiguration(server: server.address, token: .inline(Array("secret\n".utf8)))
    try await body(try CurlTransport(configuration), server)
  }

  private func text(_ reply: HTTPReply) async throws -> String {
    String(decoding: try await reply.body.collect(limit: 64 << 20), as: UTF8.self)
  }

  @Test("a request carries method, token and body, and the connection is used again")
  func requests() async throws {
    try await with({ _, connection in
      connection.reply(201, "{}", "X-Some: Thing\r\n")
      return true
    }) { transport, server in
      for _ in 0..<5 {
        let reply = try await transport.send(
          HTTPRequest(method: "PATCH", path: "/a?b=c", contentType: "x/y", body: Array("body".utf8)))
        #expect(reply.head.status == 201 && reply.head.fields["x-some"] == "Thing")
        #expect(try await text(reply) == "{}")
      }
      let first = try #require(server.requests.first)
      #expect(first.contains("PATCH /a?b=c HTTP/1.1\r\n") && first.hasSuffix("\r\n\r\nbody"))
      #expect(first.contains("Authorization: Bearer secret\r\n") && first.contains("Content-Type: x/y\r\n"))
      #expect(!first.contains("Expect:"))
      #expect(Set(server.requests.map { $0.prefix { $0 != " " } }).count == 1, "one connection")
    }
  }

  @Test("the token goes to the API server and to no proxy, whatever the environment says")
  func proxies() async throws {
    let proxy = try StubServer { _, connection in
      connection.reply(200, "proxy")
      return false
    }
    defer { proxy.stop() }
    let names = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    try await withEnvironment(Dictionary(uniqueKeysWithValues: names.map { ($0, proxy.address) })) {
      try await with({ _, connection in
        connection.reply(200, "server")
        return true
      }) { transport, server in
        let said = try await text(transport.send(HTTPRequest(path: "/")))
        #expect(said == "server")
        #expect(server.requests.count == 1)
      }
    }
    #expect(proxy.requests.isEmpty)
  }

  @Test("requests and watches at the same time share one thread")
  func manyAtOnce() async throws {
    try await with({ request, connection in
      ThreadSleep.sleep(.milliseconds(50))
      connection.reply(200, String(request.dropFirst(5).prefix { $0 != " " }))
      return true
    }) { transport, _ in
      let threads = try threadCount()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<10 {
          group.addTask {
            let body = try await text(transport.send(HTTPRequest(path: "/\(number)")))
            #expect(body == "\(number)")
          }
        }
        try await group.waitForAll()
      }
      // The stub has up to 16 of its own, and the transport one.
      #expect(try threadCount() <= threads + 17)
    }
  }

  private func threadCount() throws -> Int {
    let line = try Files.readText("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Threads:") }
    return try #require(line.flatMap { Int($0.dropFirst(8).drop { $0 == "\t" }) })
  }

  @Test("a reply that is torn is an error and no short reply")
  func torn() async throws {
    try await with({ _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      return false
    }) { transport, _ in
      let reply = try await transport.send(HTTPRequest(path: "/"))
      let error = await #expect(throws: TransportError.self) { try await text(reply) }
      #expect(error?.kind == .broken && error?.mayHaveHappened == true)
    }
  }

  @Test("a connection that is closed or reset before the reply is an error")
  func noReply() async throws {
    for isReset in [false, true] {
      try await with({ _, connection in
        if isReset { connection.reset() }
        return false
      }) { transport, _ in
        let error = await #expect(throws: TransportError.self) { try await transport.send(HTTPRequest(path: "/")) }
        #expect(error?.kind == .broken && error?.mayHaveHappened == true, "\(error?.message ?? "")")
      }
    }
  }

  @Test("an address without a server is unreachable, and nothing can have happened")
  func unreachable() async throws {
    let server = try StubServer { _, _ in false }
    let address = server.address
    server.stop()
    _ = await eventually { (try? TCPListener("127.0.0.1:\(server.port)")) != nil }
    let transport = try CurlTransport(ConnectionConfiguration(server: address))
    let error = await #expect(throws: TransportError.self) { try await transport.send(HTTPRequest(path: "/")) }
    #expect(error?.mayHaveHappened == false || error?.kind == .broken, "\(error?.message ?? "")")
  }

  @Test("a silent server times out after the idle time, a slow one after the whole time")
  func tooSlow() async throws {
    try await with({ _, connection in
      connection.beginChunks()
      while connection.chunk("x") { ThreadSleep.sleep(.milliseconds(100)) }
      return false
    }) { transport, _ in
      let begin = ContinuousClock.now
      let reply = try await transport.send(HTTPRequest(path: "/", timeout: .milliseconds(700)))
      let error = await #expect(throws: TransportError.self) { try await text(reply) }
      #expect(error?.kind == .timedOut && ContinuousClock.now - begin < .seconds(15))
    }
    try await with({ _, connection in !connection.isLeft(within: .seconds(20)) }) { transport, _ in
      let begin = ContinuousClock.now
      let error = await #expect(throws: TransportError.self) {
        try await transport.send(HTTPRequest(path: "/", timeout: nil, idleTimeout: .seconds(2)))
      }
      #expect(error?.kind == .timedOut && ContinuousClock.now - begin < .seconds(15))
    }
  }

  @Test("cancelling the task aborts the transfer at once: before the reply, and in the middle of it")
  func cancellation() async throws {
    let left = Mutex(0)
    try await with({ request, connection in
      if request.contains("/body") {
        connection.beginChunks()
        connection.chunk("first")
      }
      if connection.isLeft(within: .seconds(20)) { left.withLock { $0 += 1 } }
      return false
    }) { transport, server in
      for path in ["/head", "/body"] {
        let hasBegun = Mutex(false)
        let task = Task { () -> TransportError? in
          do throws(TransportError) {
            let reply = try await transport.send(HTTPRequest(path: path, timeout: nil))
            _ = try await reply.body.next()
            hasBegun.withLock { $0 = true }
            _ = try await reply.body.next()
            return nil
          } catch {
            return error
          }
        }
        #expect(
          await eventually {
            path == "/head" ? server.requests.contains { $0.contains(path) } : hasBegun.withLock { $0 }
          })
        let begin = ContinuousClock.now
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        #expect(ContinuousClock.now - begin < .seconds(15))
      }
      #expect(await eventually { left.withLock { $0 } == 2 }, "the server sees it")
    }
  }

  @Test("releasing a body aborts its transfer")
  func letGo() async throws {
    let left = Mutex(false)
    try await with({ _, connection in
      connection.beginChunks()
      connection.chunk("first")
      left.withLock { $0 = connection.isLeft(within: .seconds(20)) }
      return false
    }) { transport, _ in
      _ = try await transport.send(HTTPRequest(path: "/", timeout: nil))
      #expect(await eventually { left.withLock { $0 } })
    }
  }

  @Test("a slow reader holds up the server instead of filling memory, and gets every byte in order")
  func backPressure() async throws {
    let sent = Mutex(0)
    let total = 64 << 20
    try await with({ _, connection in
      connection.beginChunks()
      let block = String((0..<65_536).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
      for number in 1...(total / 65_536) where connection.chunk(block) { sent.withLock { $0 = number * 65_536 } }
      connection.send("0\r\n\r\n")
      return false
    }) { transport, _ in
      let reply = try await transport.send(HTTPRequest(path: "/", timeout: nil))
      try await Task.sleep(for: .milliseconds(500))
      // What the kernel's buffers hold on both sides, and ours.
      #expect(sent.withLock { $0 } < 24 << 20)
      var position = 0
      var isRight = true
      while let piece = try await reply.body.next() {
        #expect(piece.count <= 512 << 10)
        isRight = isRight && piece.first == UInt8(97 + position % 65_536 % 26)
        position += piece.count
      }
      #expect(position == total && isRight)
    }
  }

  @Test("a token file is read for each request")
  func tokenReload() async throws {
    let path = "/tmp/elastic-local-token-\(UInt32.random(in: .min ... .max))"
    defer { try? Files.removeDurably(path) }
    let server = try StubServer { _, connection in
      connection.reply(200, "{}")
      return true
    }
    defer { server.stop() }
    let transport = try CurlTransport(ConnectionConfiguration(server: server.address, token: .file(path)))
    for token in ["one", "two"] {
      try Files.writeDurably(Array(token.utf8), to: path)
      _ = try await text(transport.send(HTTPRequest(path: "/")))
    }
    #expect(server.requests.map { $0.contains("Bearer one") } == [true, false])
    try Files.removeDurably(path)
    let error = await #expect(throws: TransportError.self) { try await transport.send(HTTPRequest(path: "/")) }
    #expect(error?.kind == .credentials && error?.message.contains(path) == true)
  }
}
