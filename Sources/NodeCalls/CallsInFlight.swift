internal import LinuxSystem
internal import NodeProtocol
internal import NodeService
internal import StorageModel
internal import Synchronization
internal import Telemetry

/// The calls in progress, each a task.
final class CallsInFlight: Sendable {
  private struct Call {
    let task: Task<HandledCall, Never>
    /// False as soon as the call has ended: a client that does not confirm delays no other call.
    var isMaking: Bool
  }

  private let handler: CallHandler
  private let limit: Int
  private let confirmationDeadline: Duration
  private let calls = Mutex<[UInt64: Call]>([:])

  /// - Parameters:
  /// - limit: how many other calls are served at once.
  /// - confirmationDeadline: how long a client may take to check a mount.
  init(handler: CallHandler, limit: Int, confirmationDeadline: Duration) {
    self.handler = handler
    self.limit = limit
    self.confirmationDeadline = confirmationDeadline
  }

  var isEmpty: Bool { calls.withLock { $0.isEmpty } }

  func cancelAll() { for call in calls.withLock({ Array($0.values) }) { call.task.cancel() } }

  /// Begins the call of a request. Does not block.
  ///
  /// - Returns: what to do if the caller disconnects before its reply.
  func begin(_ bytes: Result<[UInt8], FrameError>, _ exchange: Exchange) -> (@Sendable () -> Void)? {
    do throws(VolumeError) {
      let request = try Self.request(bytes)
      return try begin(request, exchange)
    } catch {
      let (log, metrics) = (handler.context.log, handler.context.metrics)
      metrics.refuseConnection()
      log.warning("request refused", ["code": error.code.rawValue, "reason": error.message])
      exchange.reply(Reply(error).encoded()) { isDelivered in
        if !isDelivered { log.info("reply not delivered", [:]) }
      }
      return nil
    }
  }

  private static func request(_ bytes: Result<[UInt8], FrameError>) throws(VolumeError) -> Request {
    switch bytes {
    case .success(let bytes): return try Request(decoding: bytes)
    case .failure(let error): throw VolumeError(.invalid, "no request arrived: \(error)")
    }
  }

  private func begin(_ request: Request, _ exchange: Exchange) throws(VolumeError) -> @Sendable () -> Void {
    let isMaking = !handler.isAlwaysServed(request.arguments)
    let number = exchange.number
    try calls.withLock { calls throws(VolumeError) in
      if isMaking, calls.values.count(where: { $0.isMaking }) >= limit {
        throw VolumeError(
          .unavailable,
          "\(limit) calls are in progress and none has ended; status shows what hangs. Kubelet retries the call")
      }
      let task = Task.detached { [self] in
        let call = await handler.handle(request.arguments)
        self.calls.withLock { $0[number]?.isMaking = false }
        answer(call, exchange, isConfirmed: request.confirms && call.reply.shown != nil)
        return call
      }
      calls[number] = Call(task: task, isMaking: isMaking)
    }
    return { [self] in takeBack(number, Self.callerHadGone) }
  }

  private static let callerHadGone = "the caller had disconnected"

  /// Sends the reply. The call has ended when the caller has the reply, or when the caller has confirmed that kubelet
  /// sees the mount.
  private func answer(_ call: HandledCall, _ exchange: Exchange, isConfirmed: Bool) {
    let number = exchange.number
    let reply = call.reply.encoded()
    guard isConfirmed else {
      return exchange.reply(reply) { [self] isDelivered in
        if isDelivered { end(number) } else { takeBack(number, Self.callerHadGone) }
      }
    }
    let confirmation = NextRequest(size: Confirmation.maximumSize, time: confirmationDeadline) { [self] word in
      confirm(exchange, word)
    }
    exchange.reply(reply, expecting: confirmation)
  }

  /// Keeps the mount or takes it back, then closes the connection.
  private func confirm(_ exchange: Exchange, _ word: Result<[UInt8], FrameError>) {
    let reason: String
    switch word {
    case .success(let bytes):
      switch Confirmation(decoding: bytes)?.seen {
      case true?:
        end(exchange.number)
        return exchange.drop()
      case false?: reason = "kubelet does not see it"
      case nil: reason = "the caller's confirmation is not valid"
      }
    case .failure(.closed): reason = "the caller had disconnected before it had confirmed"
    case .failure(let error): reason = "the caller has not confirmed: \(error)"
    }
    takeBack(exchange.number, reason) { exchange.drop() }
  }

  private func end(_ number: UInt64) { calls.withLock { calls in _ = calls.removeValue(forKey: number) } }

  /// Takes a call back, because the caller has no reply or kubelet does not see the mount. The call is cancelled, and
  /// undone as soon as it has ended.
  private func takeBack(_ number: UInt64, _ reason: String, then finish: @escaping @Sendable () -> Void = {}) {
    guard let task = calls.withLock({ $0[number]?.task }) else { return }
    task.cancel()
    Task.detached { [self] in
      let call = await task.value
      await call.undo?(reason)
      end(number)
      finish()
    }
  }
}
