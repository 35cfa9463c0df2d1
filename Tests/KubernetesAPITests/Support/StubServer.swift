import Glibc
import LinuxSystem
import Synchronization

/// A real server on this machine that answers each connection by a function: for what no API server can be made to do.
final class StubServer: Sendable {
  let port: UInt16
  private let listener: TCPListener
  private let pool = WorkerPool(name: "stub", limit: 16)
  private let log = Mutex<[String]>([])

  /// A connection to a client.
  struct Connection: Sendable {
    let number: Int32

    /// False when the client is gone.
    @discardableResult
    func send(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }

    func reply(_ status: Int, _ body: String, _ fields: String = "") {
      send("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }

    /// The head of a reply in chunks, and a chunk.
    func beginChunks() { send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }

    @discardableResult
    func chunk(_ text: String) -> Bool { send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }

    /// Whether the client goes away within that time.
    func isLeft(within limit: Duration) -> Bool {
      var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, Int32(limit.components.seconds * 1000)) > 0 else { return false }
      var byte: UInt8 = 0
      return recv(number, &byte, 1, Int32(MSG_PEEK)) <= 0
    }

    /// Resets the connection instead of closing it.
    func reset() {
      var option = linger(l_onoff: 1, l_linger: 0)
      setsockopt(number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// A request: head and body.
    fileprivate func receive() -> String? {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let text = String(decoding: bytes, as: UTF8.self)
        if let range = text.firstRange(of: "\r\n\r\n") {
          let head = text[..<range.lowerBound].lowercased()
          let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
          if text[range.upperBound...].utf8.count >= length ?? 0 { return text }
        }
        let count = recv(number, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        bytes += buffer[..<count]
      }
    }
  }

  /// - Parameter answer: answers a request; false ends the connection.
  init(_ answer: @escaping @Sendable (String, Connection) -> Bool) throws {
    let listener = try TCPListener("127.0.0.1:0")
    port = try listener.port()
    self.listener = listener
    pool.post { [self] in
      while let client = try? self.listener.accept().release() {
        pool.post { [self] in serve(Connection(number: client), answer) }
      }
    }
  }

  var address: String { "http://127.0.0.1:\(port)" }
  /// Requests so far, each with the number of its connection in front: `7 GET /x HTTP/1.1…`.
  var requests: [String] { log.withLock { $0 } }

  func stop() { listener.shutdown() }

  private func serve(_ connection: Connection, _ answer: (String, Connection) -> Bool) {
    defer { close(connection.number) }
    while let request = connection.receive() {
      log.withLock { $0.append("\(connection.number) \(request)") }
      guard answer(request, connection) else { return }
    }
  }
}

/// Runs the body with variables of the process's environment set, which nothing here reads any more afterwards.
func withEnvironment(_ variables: [String: String], _ body: () async throws -> Void) async throws {
  for (name, value) in variables { setenv(name, value, 1) }
  defer { for name in variables.keys { unsetenv(name) } }
  try await body()
}
