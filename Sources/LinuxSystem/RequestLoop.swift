internal import Glibc

/// Serves short requests over stream sockets from one thread of its own. It reads a request, passes it to the handler
/// and writes the reply. A peer that is slow, silent or does not read uses one descriptor and nothing else.
package final class RequestLoop: Sendable {
  /// The limits for the peers of a loop.
  package struct Limits: Sendable {
    /// The most connections at a time.
    package var connections: Int
    /// Whether a connection beyond the limit replaces an existing one, see ``Connections/victim()``. If false, the new
    /// connection waits.
    package var dropsOldest: Bool
    /// The largest request in bytes, without its terminator.
    package var requestSize: Int
    /// The longest time from the start of a connection to the end of its request.
    package var requestTime: Duration
    /// The longest time from there to the start of the reply. Nil for no limit.
    package var answerTime: Duration?
    /// The longest time from there until the peer has taken the whole reply.
    package var replyTime: Duration
    /// Whether input after the reply is read and dropped for one second. Otherwise TCP could discard the reply (RFC
    /// 9112, section 9.6).
    package var lingers: Bool

    package init(
      connections: Int, dropsOldest: Bool, requestSize: Int, requestTime: Duration, answerTime: Duration?,
      replyTime: Duration, lingers: Bool
    ) {
      self.connections = connections
      self.dropsOldest = dropsOldest
      self.requestSize = requestSize
      self.requestTime = requestTime
      self.answerTime = answerTime
      self.replyTime = replyTime
      self.lingers = lingers
    }
  }

  /// Receives a whole request, or the reason why there is none. Replies through the exchange, now or later. Runs on the
  /// loop's thread and must not block.
  ///
  /// - Returns: a closure to call if the peer goes away before its reply has begun. It runs on the loop's thread too.
  package typealias Handler = @Sendable (Result<[UInt8], FrameError>, Exchange) -> (@Sendable () -> Void)?

  private let inbox: RequestInbox

  /// Starts the loop's thread. ``stop()`` ends it.
  ///
  /// - Throws: the error of eventfd(2), or `EAGAIN` if the thread cannot be started.
  package init(name: String, framing: RequestFraming, limits: Limits, handler: @escaping Handler) throws(SystemError) {
    let inbox = RequestInbox(wakeUp: try WakeUp())
    self.inbox = inbox
    try NativeThread.start(name: name, stackSize: 512 << 10) {
      RequestServing(inbox: inbox, framing: framing, limits: limits, handler: handler).run()
    }
  }

  /// Passes a connection to the loop. Blocks while 64 others wait to be taken over.
  ///
  /// - Parameter source: the origin of the connection, see ``Connections/victim()``.
  package func add(_ connection: consuming Descriptor, source: UInt64 = 0) {
    inbox.add(Arrival(connection, source: source))
  }

  /// Closes one connection to free a descriptor, see ``Connections/victim()``. For a process that has no descriptor
  /// left.
  package func dropOldest() { inbox.post { $0.isShort = true } }

  /// Closes all connections and ends the thread. Has no effect if called again.
  package func stop() { inbox.post { $0.isStopping = true } }

  /// The number of connections, for metrics and tests.
  package var connections: Int { inbox.connections }
}

/// The rule for where a request ends.
package enum RequestFraming: Sendable {
  /// At a newline, which is not part of the request.
  case line
  /// After an empty line, as the head of an HTTP request (RFC 9112, section 2.1).
  case head

  /// Returns the length of the request in bytes. Nil until its end has come.
  ///
  /// - Parameter seen: the number of bytes checked before.
  func length(of bytes: [UInt8], seen: Int) -> Int? {
    switch self {
    case .line: return bytes[seen...].firstIndex(of: UInt8(ascii: "\n"))
    case .head:
      let terminator = Array("\r\n\r\n".utf8)
      guard bytes.count >= terminator.count else { return nil }
      return (max(terminator.count, seen)...bytes.count).first {
        bytes[($0 - terminator.count)..<$0].elementsEqual(terminator)
      }
    }
  }
}

/// A request that waits for its reply. Can be used on any thread. Does not block.
package final class Exchange: Sendable {
  /// The number of the exchange, unique within its loop.
  package let number: UInt64
  private let inbox: RequestInbox

  init(_ number: UInt64, _ inbox: RequestInbox) {
    self.number = number
    self.inbox = inbox
  }

  /// Sends the reply and closes the connection. Only the first reply counts; after a ``NextRequest`` the first one
  /// again.
  ///
  /// - Parameter ended: called on the loop's thread with whether the whole reply was sent. Not called if the peer had
  ///   gone before.
  package func reply(_ bytes: [UInt8], ended: (@Sendable (Bool) -> Void)? = nil) {
    inbox.post { $0.replies.append(.init(number: number, bytes: bytes, ended: ended)) }
  }

  /// Sends the reply and then expects one more request. The connection stays until ``drop()`` or until the peer goes.
  package func reply(_ bytes: [UInt8], expecting next: NextRequest) {
    inbox.post { $0.replies.append(.init(number: number, bytes: bytes, next: next)) }
  }

  /// Closes the connection without a reply.
  package func drop() { reply([]) }
}

/// A request that the peer is expected to send after a reply.
package struct NextRequest: Sendable {
  /// Receives the request, or the reason why there is none. Runs on the loop's thread and must not block.
  ///
  /// Called once for each reply that has begun, also if it was not sent completely. Not called if the peer had gone
  /// before.
  package typealias Handler = @Sendable (Result<[UInt8], FrameError>) -> Void

  /// The largest request in bytes, without its terminator.
  let size: Int
  /// The longest time from the end of the reply to the end of the request. No request is lost at this limit: bytes sent
  /// before are read, and a later send gets `EPIPE`.
  let time: Duration
  let handler: Handler

  package init(size: Int, time: Duration, handler: @escaping Handler) {
    self.size = size
    self.time = time
    self.handler = handler
  }
}

/// A connection that the loop has not taken over yet.
final class Arrival: Sendable {
  let socket: Descriptor
  let source: UInt64

  init(_ socket: consuming Descriptor, source: UInt64) {
    self.socket = socket
    self.source = source
  }
}

/// Input of other threads for the loop's thread.
final class RequestInbox: Sendable {
  struct Reply: Sendable {
    let number: UInt64
    let bytes: [UInt8]
    var ended: (@Sendable (Bool) -> Void)?
    /// The request expected after the reply. Nil if the reply ends the connection.
    var next: NextRequest?

    /// Reports that the reply was not sent completely.
    func fail() {
      ended?(false)
      next?.handler(.failure(.closed(received: 0)))
    }
  }

  struct State: Sendable {
    var arrivals: [Arrival] = []
    /// The number of arrivals not taken in this turn.
    var left = 0
    var replies: [Reply] = []
    var isShort = false
    var isStopping = false
    /// The loop has ended. Later arrivals are closed.
    var hasEnded = false
    var connections = 0
  }

  /// The most connections that wait to be taken over.
  private static let backlog = 64

  let wakeUp: WakeUp
  private let monitor = Monitor(State())

  init(wakeUp: WakeUp) { self.wakeUp = wakeUp }

  func post(_ change: (inout State) -> Void) {
    monitor.withLock { change(&$0) }
    wakeUp.wake()
  }

  func add(_ arrival: Arrival) {
    _ = monitor.wait { state -> Void? in
      if state.hasEnded { return () }
      guard state.arrivals.count < Self.backlog else { return nil }
      state.arrivals.append(arrival)
      return ()
    }
    wakeUp.wake()
  }

  /// Takes the input, with at most `limit` arrivals.
  func take(arrivals limit: Int) -> State {
    defer { monitor.signal() }
    return monitor.withLock { state in
      var taken = state
      let count = min(max(limit, 0), state.arrivals.count)
      taken.arrivals = Array(state.arrivals.prefix(count))
      state.arrivals.removeFirst(count)
      taken.left = state.arrivals.count
      state.replies = []
      state.isShort = false
      return taken
    }
  }

  var connections: Int { monitor.withLock { $0.connections } }

  func setConnectionCount(_ connections: Int) { monitor.withLock { $0.connections = connections } }

  func end() {
    monitor.withLock { state in
      state.hasEnded = true
      state.arrivals = []
      state.connections = 0
    }
    monitor.signal()
  }
}
