/// The API server over HTTPS, by libcurl, with one thread for all requests and watches.
///
/// Connections are kept and used again. HTTP/1.1 on purpose: each watch has a connection of its own, so that one whose
/// reader is slow holds up no other, and a dead connection takes down one request and not all.
package final class CurlTransport: APITransport {
  private let loop: CurlLoop

  /// Nothing is connected as yet. Credentials in files are read for each request, so a new token counts at once.
  package init(_ configuration: ConnectionConfiguration) throws(TransportError) {
    try configuration.validate()
    loop = try CurlLoop(configuration)
  }

  deinit { loop.stop() }

  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    guard !Task.isCancelled else { throw .cancelled }
    let transfer = Transfer(request)
    let loop = loop
    loop.start(transfer)
    let answer = await withTaskCancellationHandler {
      await transfer.head()
    } onCancel: {
      loop.cancel(transfer)
    }
    switch answer {
    case .success(let head): return HTTPReply(head: head, body: Body(transfer, loop))
    case .failure(let error): throw error
    }
  }

  private final class Body: HTTPBody {
    private let transfer: Transfer
    private let loop: CurlLoop

    init(_ transfer: Transfer, _ loop: CurlLoop) {
      self.transfer = transfer
      self.loop = loop
    }

    deinit {
      // Harmless, but the thread need not be woken for it.
      if !transfer.hasEnded { loop.cancel(transfer) }
    }

    func next() async throws(TransportError) -> [UInt8]? {
      guard !Task.isCancelled else {
        loop.cancel(transfer)
        throw .cancelled
      }
      return try await withTaskCancellationHandler {
        await transfer.next { loop.resume(transfer) }
      } onCancel: {
        loop.cancel(transfer)
      }.get()
    }
  }
}
