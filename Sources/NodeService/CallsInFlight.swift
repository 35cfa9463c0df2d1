internal import LinuxSystem
internal import NodeProtocol
internal import StorageModel
internal import Synchronization
internal import Telemetry

/// The calls being served, each a task.
final class CallsInFlight: Sendable {
  private struct Call {
    let task: Task<HandledCall, Never>
    let isMaking: Bool
  }

  private let handler: CallHandler
  private let limit: Int
  private let calls = Mutex<[UInt64: Call]>([:])

  /// Calls that take down, or only look: they are served however many others hang.
  private static let alwaysServed: Set<String> = ["unmount", "unmountdevice", "status", "retain", "unretain"]

  /// - Parameter limit: how many other calls are served at once.
  init(handler: CallHandler, limit: Int) {
    self.handler = handler
    self.limit = limit
  }

  var isEmpty: Bool { calls.withLock { $0.isEmpty } }

  func cancelAll() { for call in calls.withLock({ Array($0.values) }) { call.task.cancel() } }

  /// Begins the call that a request asks for. Does not block.
  ///
  /// - Returns: what to do when the caller goes away before its reply.
  func begin(_ bytes: Result<[UInt8], FrameError>, _ exchange: Exchange) -> (@Sendable () -> Void)? {
    do throws(VolumeError) {
      let request = try Self.request(bytes)
      return try begin(request.arguments, exchange)
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
    case .failure(let error): throw VolumeError(.invalid, "no request came: \(error)")
    }
  }

  private func begin(_ arguments: [String], _ exchange: Exchange) throws(VolumeError) -> @Sendable () -> Void {
    let isMaking = !Self.alwaysServed.contains(arguments.first ?? "")
    let number = exchange.number
    try calls.withLock { calls throws(VolumeError) in
      if isMaking, calls.values.count(where: { $0.isMaking }) >= limit {
        throw VolumeError(
          .unavailable,
          "\(limit) calls are being served and none has ended yet; status says what hangs. Kubelet will call again")
      }
      let task = Task.detached { [self] in
        let call = await handler.handle(arguments)
        exchange.reply(call.reply.encoded()) { [self] isDelivered in
          if isDelivered { end(number) } else { takeBack(number) }
        }
        return call
      }
      calls[number] = Call(task: task, isMaking: isMaking)
    }
    return { [self] in takeBack(number) }
  }

  private func end(_ number: UInt64) { calls.withLock { calls in _ = calls.removeValue(forKey: number) } }

  /// The caller has gone: its call is cancelled, and what it has done is undone as soon as it has ended.
  private func takeBack(_ number: UInt64) {
    guard let task = calls.withLock({ $0[number]?.task }) else { return }
    task.cancel()
    Task.detached { [self] in
      let call = await task.value
      await call.undo?()
      end(number)
    }
  }
}
