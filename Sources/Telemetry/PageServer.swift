internal import LinuxSystem
package import StorageModel

/// Answers `GET` over HTTP/1.1 with pages of plain text, a connection a request: metrics and health.
package final class PageServer: Sendable {
  private let listener: TCPListener
  private let pool = WorkerPool(name: "metrics", limit: 4)
  private let log: Log
  private let pages: @Sendable (String) async -> Page?

  /// An answer.
  package struct Page: Sendable {
    package var status: Int
    package var body: String

    package init(_ body: String) { self.init(200, body) }

    package init(_ status: Int, _ body: String) {
      self.status = status
      self.body = body
    }
  }

  /// - Parameter pages: the page at a path; nil when there is none.
  /// - Throws: `invalid` naming the flag when the address can not be listened at.
  package init(
    address: String, log: Log, pages: @escaping @Sendable (String) async -> Page?
  ) throws(VolumeError) {
    self.log = log
    self.pages = pages
    do throws(SystemError) {
      listener = try TCPListener(address)
    } catch {
      throw VolumeError(
        .invalid,
        "--metrics-address (ELASTIC_LOCAL_METRICS_ADDRESS): \(quoted(address)) can not be listened at, it wants HOST:PORT with "
          + "a numeric host: \(error)")
    }
  }

  /// The port that is listened at.
  package var port: UInt16 { (try? listener.port()) ?? 0 }  // it is bound: this can not fail

  /// Accepts until ``stop()``. Blocks: call it on a thread of its own.
  package func acceptConnections() {
    while true {
      do throws(SystemError) {
        let connection = SharedDescriptor(try listener.accept())
        pool.post { [self] in serve(connection) }
      } catch {
        if error.errno == .invalid { return }
        ThreadSleep.sleep(.milliseconds(100))
      }
    }
  }

  package func stop() { listener.shutdown() }

  private func serve(_ connection: SharedDescriptor) {
    let head: String
    do throws(FrameError) {
      head = try StreamIO.readHead(connection.descriptor, limit: 8192, deadline: .seconds(5))
    } catch {
      return
    }
    guard let path = PageRequest(head: head.utf8)?.path else { return respond(connection, Page(405, "only GET\n")) }
    Task.detached { [self] in
      respond(connection, await pages(path) ?? Page(404, "there are /metrics and /healthz\n"))
    }
  }

  private func respond(_ connection: SharedDescriptor, _ page: Page) {
    let reason = [200: "OK", 404: "Not Found", 405: "Method Not Allowed"][page.status] ?? "Service Unavailable"
    let head =
      "HTTP/1.1 \(page.status) \(reason)\r\nContent-Type: text/plain; version=0.0.4\r\n"
      + "Content-Length: \(page.body.utf8.count)\r\nConnection: close\r\n\r\n"
    do throws(SystemError) {
      try StreamIO.writeAll(connection.descriptor, Array((head + page.body).utf8), deadline: .seconds(5))
    } catch {
      log.info("page not delivered", ["reason": "\(error)"])
    }
  }
}

/// A connection shared between the thread that reads and the task that answers; closed with its last user.
private final class SharedDescriptor: Sendable {
  let descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
