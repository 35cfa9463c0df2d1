internal import CCurl
internal import LinuxSystem
internal import Synchronization

/// A thread that runs transfers with libcurl's multi interface. The only file that knows libcurl.
///
/// `@unchecked Sendable`: only the thread uses the multi handle. The exception is `curl_multi_wakeup`, which any thread may
/// call (curl_multi_wakeup(3)). All other shared state is in `inbox`, behind a mutex.
final class CurlLoop: @unchecked Sendable {
  private let multi: UnsafeMutableRawPointer
  private let configuration: ConnectionConfiguration
  private let inbox = Mutex(Inbox())
  private let thread = WorkerPool(name: "api", limit: 1)

  private struct Inbox {
    var orders: [Order] = []
    var isRunning = false
  }

  private enum Order {
    case start(Transfer)
    case cancel(Transfer)
    case resume(Transfer)
    case stop
  }

  /// libcurl must be initialized once, before other threads use it.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  init(_ configuration: ConnectionConfiguration) throws(TransportError) {
    guard Self.isReady, let multi = curl_multi_init() else {
      throw TransportError(.credentials, "libcurl cannot be started: no memory")
    }
    // The number of connections that are kept open. With fewer than the requests at a time, each request would need a
    // handshake.
    ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 32)
    self.multi = multi
    self.configuration = configuration
  }

  func start(_ transfer: Transfer) { post(.start(transfer)) }
  func cancel(_ transfer: Transfer) { post(.cancel(transfer)) }
  func resume(_ transfer: Transfer) { post(.resume(transfer)) }
  func stop() { post(.stop) }

  /// Starts the thread with the first request. It runs until `stop` and keeps this object alive.
  private func post(_ order: Order) {
    let needsThread = inbox.withLock { inbox in
      inbox.orders.append(order)
      defer { inbox.isRunning = true }
      return !inbox.isRunning
    }
    if needsThread { thread.post { [self] in run() } } else { curl_multi_wakeup(multi) }
  }

  private func run() {
    var active: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    while obey(&active) {
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      while let message = curl_multi_info_read(multi, &count) {
        guard let easy = message.pointee.easy_handle, let done = active.removeValue(forKey: easy) else { continue }
        let result = ccurl_result(message)
        curl_multi_remove_handle(multi, easy)
        done.end(CURLcode(UInt32(result)), server: configuration.server)
      }
      // Returns for sockets, for libcurl's own timers, and for orders.
      curl_multi_poll(multi, nil, 0, 60_000, nil)
    }
    for transfer in active.values { drop(transfer) }
  }

  // Not at the end of the thread, because another thread may still wake it.
  deinit { curl_multi_cleanup(multi) }

  /// Carries out the posted orders. Returns false to stop.
  private func obey(_ active: inout [UnsafeMutableRawPointer: CurlTransfer]) -> Bool {
    let orders = inbox.withLock { inbox in
      defer { inbox.orders = [] }
      return inbox.orders
    }
    for order in orders {
      switch order {
      case .start(let transfer): start(transfer, &active)
      case .cancel(let transfer):
        guard let found = active.first(where: { $0.value.transfer === transfer }) else { continue }
        active[found.key] = nil
        drop(found.value)
      case .resume(let transfer):
        guard let found = active.first(where: { $0.value.transfer === transfer }) else { continue }
        curl_easy_pause(found.key, CURLPAUSE_CONT)
      case .stop: return false
      }
    }
    return true
  }

  private func start(_ transfer: Transfer, _ active: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    do throws(TransportError) {
      let new = try CurlTransfer(transfer, configuration)
      active[new.easy] = new
      curl_multi_add_handle(multi, new.easy)
    } catch {
      transfer.end(.failure(error))
    }
  }

  private func drop(_ dropped: CurlTransfer) {
    curl_multi_remove_handle(multi, dropped.easy)
    dropped.transfer.end(.failure(.cancelled))
  }
}

/// One transfer in libcurl. Only the loop's thread uses it.
private final class CurlTransfer {
  let easy: UnsafeMutableRawPointer
  let transfer: Transfer
  private var headers: UnsafeMutablePointer<curl_slist>?
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private var head = HTTPHead(status: 0)
  private var hasHead = false

  init(_ transfer: Transfer, _ configuration: ConnectionConfiguration) throws(TransportError) {
    let credentials = try configuration.credentials()
    guard let easy = curl_easy_init() else { throw TransportError(.credentials, "libcurl: no memory") }
    self.easy = easy
    self.transfer = transfer
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    setConnection(configuration, credentials)
    setRequest(transfer.request, configuration, credentials)
    setCallbacks()
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_slist_free_all(headers)
    errorText.deallocate()
  }

  private func set(_ option: CURLoption, _ value: Int) {
    // Fails only for options that this libcurl lacks. The headers of this build exclude that.
    let code = ccurl_set_long(easy, option, value)
    precondition(code == CURLE_OK, "libcurl refuses option \(option.rawValue): \(code.rawValue)")
  }

  private func set(_ option: CURLoption, _ value: String) {
    let code = ccurl_set_text(easy, option, value)
    precondition(code == CURLE_OK, "libcurl refuses option \(option.rawValue): \(code.rawValue)")
  }

  private func set(_ option: CURLoption, _ value: [UInt8]?) {
    guard let value else { return }
    let code = ccurl_set_blob(easy, option, value, value.count)
    precondition(code == CURLE_OK, "libcurl refuses option \(option.rawValue): \(code.rawValue)")
  }

  private func setConnection(
    _ configuration: ConnectionConfiguration, _ credentials: ConnectionConfiguration.Credentials
  ) {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_PROTOCOLS_STR, "https,http")
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_CONNECTTIMEOUT_MS, 10_000)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_TCP_KEEPIDLE, 30)
    set(CURLOPT_TCP_KEEPINTVL, 15)
    // No proxy from the environment (`http_proxy` and others): only the API server may get the token.
    set(CURLOPT_PROXY, "")
    set(CURLOPT_NOPROXY, "*")
    // The defaults, stated here: certificate and host name are always verified.
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    // Otherwise the system's certificates (/etc/ssl/certs) are trusted as well: the blob replaces only libcurl's file.
    if credentials.authority != nil { ccurl_set_pointer(easy, CURLOPT_CAPATH, nil) }
    set(CURLOPT_CAINFO_BLOB, credentials.authority)
    set(CURLOPT_SSLCERT_BLOB, credentials.certificate)
    set(CURLOPT_SSLKEY_BLOB, credentials.key)
  }

  private func setRequest(
    _ request: HTTPRequest, _ configuration: ConnectionConfiguration, _ credentials: ConnectionConfiguration.Credentials
  ) {
    set(CURLOPT_URL, configuration.server + request.path)
    set(CURLOPT_TIMEOUT_MS, request.timeout.map(Self.milliseconds) ?? 0)
    set(CURLOPT_LOW_SPEED_LIMIT, 1)
    set(CURLOPT_LOW_SPEED_TIME, max(1, Self.milliseconds(request.idleTimeout) / 1000))
    set(CURLOPT_USERAGENT, configuration.userAgent)
    var lines = ["Accept: application/json", "Expect:"]
    if let type = request.contentType { lines.append("Content-Type: \(type)") }
    if let token = credentials.token { lines.append("Authorization: Bearer \(token)") }
    for line in lines { headers = curl_slist_append(headers, line) }
    ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
    if let body = request.body { ccurl_set_body(easy, body, curl_off_t(body.count)) }
    set(CURLOPT_CUSTOMREQUEST, request.method)
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  private func setCallbacks() {
    let own = Unmanaged.passUnretained(self).toOpaque()
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    ccurl_set_pointer(easy, CURLOPT_WRITEDATA, own)
    ccurl_set_pointer(easy, CURLOPT_HEADERDATA, own)
    ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { data, _, count, own in
      guard let own else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue().transfer
      return transfer.receive(UnsafeRawBufferPointer(start: data, count: count)) ? count : Int(CURL_WRITEFUNC_PAUSE)
    }
    ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { data, _, count, own in
      guard let own else { return 0 }
      let line = String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self)
      Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue().receive(line)
      return count
    }
  }

  /// Takes a line of the head. Interim replies (1xx) are ignored.
  private func receive(_ line: String) {
    if hasHead { return }
    switch HTTPHead.Line(line) {
    case .status(let status): head = HTTPHead(status: status)
    case .field(let name, let value): head.fields[name] = value
    case .end where head.status >= 200:
      hasHead = true
      transfer.receive(head)
    case .end, .other: break
    }
  }

  func end(_ code: CURLcode, server: String) {
    guard code != CURLE_OK else { return transfer.end(.success(())) }
    let failure = CurlFailure(
      code: Int(code.rawValue), text: String(cString: errorText),
      verification: ccurl_get_long(easy, CURLINFO_SSL_VERIFYRESULT), server: server)
    transfer.end(.failure(failure.error(now: WallClock.now())))
  }
}
