internal import LinuxSystem
package import StorageModel
internal import Synchronization

/// Serves pages of plain text over HTTP/1.1: metrics and health. One `GET` per connection.
///
/// Anybody who reaches the port can connect. Peers that are slow, silent or many use a bounded number of descriptors
/// and one thread, which serves nothing else. Health is answered on that thread, whatever the rest of the program does.
package final class PageServer: Sendable {
  private let listener: TCPListener
  private let loop: RequestLoop
  private let log: Log
  private let making: PagesInTheMaking

  /// A response.
  package struct Page: Sendable {
    /// The HTTP status code.
    package var status: Int
    package var body: String

    /// Creates a response with status 200.
    package init(_ body: String) { self.init(200, body) }

    package init(_ status: Int, _ body: String) {
      self.status = status
      self.body = body
    }
  }

  /// How a page is made.
  package enum Source: Sendable {
    /// The page itself, made without blocking.
    case now(Page)
    /// A task that makes the page. Requests that come while it runs get the same page.
    case task(@Sendable () async -> Page)
  }

  private static let limits = RequestLoop.Limits(
    connections: 128, dropsOldest: true, requestSize: 8192, requestTime: .seconds(5), answerTime: .seconds(30),
    replyTime: .seconds(5), lingers: true)

  /// Listens at an address.
  ///
  /// - Parameter pages: returns the source of the page at a path. Nil if there is no page.
  /// - Throws: `invalid` naming the flag if the address cannot be used or the thread cannot be started.
  package init(address: String, log: Log, pages: @escaping @Sendable (String) -> Source?) throws(VolumeError) {
    self.log = log
    let making = PagesInTheMaking()
    self.making = making
    do throws(SystemError) {
      listener = try TCPListener(address)
      loop = try RequestLoop(name: "pages", framing: .head, limits: Self.limits) { request, exchange in
        if case .success(let bytes) = request {
          Self.answer(String(decoding: bytes, as: UTF8.self), exchange, pages, making)
        } else {
          exchange.drop()
        }
        return nil
      }
    } catch {
      throw VolumeError(
        .invalid,
        "--metrics-address (ELASTIC_LOCAL_METRICS_ADDRESS): cannot listen at \(quoted(address)): \(error). "
          + "Give HOST:PORT with a numeric host")
    }
  }

  /// The port of the listener.
  package var port: UInt16 { (try? listener.port()) ?? 0 }  // the socket is bound, so this cannot fail

  /// How many requests wait for a page of a task, for tests.
  package var waitingForPages: Int { making.count }

  /// Accepts connections until ``stop()``. Blocks: call it on a thread of its own.
  package func acceptConnections() {
    var isFailing = false
    while true {
      do throws(SystemError) {
        let accepted = try listener.acceptFromPeer()
        let source = accepted.source
        loop.add(accepted.take(), source: source)
        isFailing = false
      } catch {
        if error.errno == .invalid { return }
        if !isFailing { log.warning("connection not accepted", ["reason": "\(error)"]) }
        isFailing = true
        // This process or the system is out of descriptors. Close one connection before the next attempt.
        loop.dropOldest()
        ThreadSleep.sleep(.milliseconds(100))
      }
    }
  }

  /// Stops accepting and closes all connections. Has no effect if called again.
  package func stop() {
    listener.shutdown()
    loop.stop()
  }
}

extension PageServer {
  private static func answer(
    _ head: String, _ exchange: Exchange, _ pages: (String) -> Source?, _ making: PagesInTheMaking
  ) {
    guard let path = PageRequest(head: head.utf8)?.path else {
      return exchange.reply(bytes(of: Page(405, "only GET is supported\n")))
    }
    switch pages(path) {
    case .now(let page)?: exchange.reply(bytes(of: page))
    case .task(let make)?: making.add(exchange, path) { bytes(of: await make()) }
    case nil: exchange.reply(bytes(of: Page(404, "no such page; the pages are /metrics and /healthz\n")))
    }
  }

  private static func bytes(of page: Page) -> [UInt8] {
    let reason = [200: "OK", 404: "Not Found", 405: "Method Not Allowed"][page.status] ?? "Service Unavailable"
    let head =
      "HTTP/1.1 \(page.status) \(reason)\r\nContent-Type: text/plain; version=0.0.4\r\n"
      + "Content-Length: \(page.body.utf8.count)\r\nConnection: close\r\n\r\n"
    return Array((head + page.body).utf8)
  }
}

/// The requests that wait for a page of a task. Each page is made by one task at a time, however many requests wait.
private final class PagesInTheMaking: Sendable {
  private let waiting = Mutex<[String: [Exchange]]>([:])

  var count: Int { waiting.withLock { $0.values.reduce(0) { $0 + $1.count } } }

  func add(_ exchange: Exchange, _ path: String, _ make: @escaping @Sendable () async -> [UInt8]) {
    let isFirst = waiting.withLock { waiting in
      waiting[path, default: []].append(exchange)
      return waiting[path]?.count == 1
    }
    guard isFirst else { return }
    Task.detached { [self] in
      let bytes = await make()
      for exchange in waiting.withLock({ $0.removeValue(forKey: path) ?? [] }) { exchange.reply(bytes) }
    }
  }
}
