/// The API server over HTTPS with libcurl. One thread serves all requests and watches.
///
/// Connections are kept and reused. HTTP/1.1 is intended: each watch has its own connection, so a slow reader delays no
/// other watch, and a broken connection ends one request only.
package final class CurlTransport: APITransport {
  private let loop: CurlLoop

  /// Does not connect yet. Credential files are read for each request, so a new token is used at once.
  ///
  /// - Throws: ``TransportError/Kind/credentials``.
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
      // Cancelling an ended transfer is harmless, but would wake the thread.
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
