internal import Glibc

/// Serves short requests over stream sockets, all from one thread of its own: it reads a request, hands it to the handler
/// and writes the reply. A peer that is slow, silent or does not read holds a descriptor and nothing else.
package final class RequestLoop: Sendable {
  /// What a loop allows its peers.
  package struct Limits: Sendable {
    /// How many connections there may be at a time.
    package var connections: Int
    /// What happens beyond that: a connection is closed to make room, see ``Connections/victim()``; or the new one waits.
    package var makesRoom: Bool
    /// The largest request in bytes, without what ends it.
    package var requestSize: Int
    /// From the beginning of a connection to the end of its request.
    package var requestTime: Duration
    /// From there to the beginning of the reply; nil for as long as it takes.
    package var answerTime: Duration?
    /// From there until the peer has taken all of the reply.
    package var replyTime: Duration
    /// Whether what the peer still sends is read and dropped for a second behind the reply: TCP would take the reply
    /// back otherwise (RFC 9112, section 9.6).
    package var lingers: Bool

    /// Limits from their parts.
    package init(
      connections: Int, makesRoom: Bool, requestSize: Int, requestTime: Duration, answerTime: Duration?,
      replyTime: Duration, lingers: Bool
    ) {
      self.connections = connections
      self.makesRoom = makesRoom
      self.requestSize = requestSize
      self.requestTime = requestTime
      self.answerTime = answerTime
      self.replyTime = replyTime
      self.lingers = lingers
    }
  }

  /// Takes a whole request, or why there is none, and answers by the exchange, now or later. Runs on the loop's thread
  /// and must not block.
  ///
  /// - Returns: what to do when the peer goes away before its reply has begun; it runs on that thread too.
  package typealias Handler = @Sendable (Result<[UInt8], FrameError>, Exchange) -> (@Sendable () -> Void)?

  private let inbox: RequestInbox

  /// Starts the thread; it ends with ``stop()``.
  package init(name: String, framing: RequestFraming, limits: Limits, handler: @escaping Handler) throws(SystemError) {
    let inbox = RequestInbox(wakeUp: try WakeUp())
    self.inbox = inbox
    try NativeThread.start(name: name, stackSize: 512 << 10) {
      RequestServing(inbox: inbox, framing: framing, limits: limits, handler: handler).run()
    }
  }

  /// Hands a connection over. Waits while many others wait to be taken over.
  ///
  /// - Parameter source: where it comes from; see ``Connections/victim()``.
  package func add(_ connection: consuming Descriptor, source: UInt64 = 0) {
    inbox.add(Arrival(connection, source: source))
  }

  /// Closes the connection that has waited longest, so that a descriptor becomes free: when the process has none left.
  package func makeRoom() { inbox.post { $0.isShort = true } }

  /// Closes all connections and ends the thread. Again is harmless.
  package func stop() { inbox.post { $0.isStopping = true } }

  /// How many connections there are, for metrics and tests.
  package var connections: Int { inbox.connections }
}

/// Where a request ends.
package enum RequestFraming: Sendable {
  /// At a newline, which does not belong to it.
  case line
  /// Behind an empty line, as the head of an HTTP request does (RFC 9112, section 2.1).
  case head

  /// How many bytes belong to the request; nil while its end has not come.
  ///
  /// - Parameter seen: how many bytes have been looked at before.
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

/// A request that waits for its reply. May be used from any thread; does not block.
package final class Exchange: Sendable {
  /// Tells it from all others of its loop.
  package let number: UInt64
  private let inbox: RequestInbox

  init(_ number: UInt64, _ inbox: RequestInbox) {
    self.number = number
    self.inbox = inbox
  }

  /// Sends the reply and closes the connection. Only the first counts, and behind a ``NextRequest`` the first again.
  ///
  /// - Parameter ended: told whether the peer has been sent all of it, on the loop's thread; not told when the peer had
  ///   gone before.
  package func reply(_ bytes: [UInt8], ended: (@Sendable (Bool) -> Void)? = nil) {
    inbox.post { $0.replies.append(.init(number: number, bytes: bytes, ended: ended)) }
  }

  /// Sends the reply and then takes one more request. The connection stays until ``drop()``, or until the peer goes.
  package func reply(_ bytes: [UInt8], expecting next: NextRequest) {
    inbox.post { $0.replies.append(.init(number: number, bytes: bytes, next: next)) }
  }

  /// Closes the connection without a reply.
  package func drop() { reply([]) }
}

/// A request that a peer is to send behind a reply.
package struct NextRequest: Sendable {
  /// Takes the request, or why there is none, on the loop's thread; must not block.
  ///
  /// Told once for each reply that has begun, also when the peer has not been sent all of it. Not told when the peer had gone
  /// before.
  package typealias Handler = @Sendable (Result<[UInt8], FrameError>) -> Void

  /// The largest request in bytes, without what ends it.
  let size: Int
  /// From the reply's end to the end of the request. Nothing is lost in between: a peer that sends later gets `EPIPE`, and
  /// what it has sent before is read.
  let time: Duration
  let handler: Handler

  /// A request from its limits.
  package init(size: Int, time: Duration, handler: @escaping Handler) {
    self.size = size
    self.time = time
    self.handler = handler
  }
}

/// A connection on its way to the loop.
final class Arrival: Sendable {
  let socket: Descriptor
  let source: UInt64

  init(_ socket: consuming Descriptor, source: UInt64) {
    self.socket = socket
    self.source = source
  }
}

/// What other threads have for the loop's.
final class RequestInbox: Sendable {
  struct Reply: Sendable {
    let number: UInt64
    let bytes: [UInt8]
    var ended: (@Sendable (Bool) -> Void)?
    /// What is to come behind it; nil when the connection ends with it.
    var next: NextRequest?

    /// Tells whoever asked that the peer has not been sent all of it.
    func fail() {
      ended?(false)
      next?.handler(.failure(.closed(received: 0)))
    }
  }

  struct State: Sendable {
    var arrivals: [Arrival] = []
    /// How many arrivals were left for later.
    var left = 0
    var replies: [Reply] = []
    var isShort = false
    var isStopping = false
    /// The loop has ended: nobody takes anything any more.
    var hasEnded = false
    var connections = 0
  }

  /// How many connections may wait to be taken over.
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

  /// Takes what there is, of arrivals at most so many.
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

  func note(connections: Int) { monitor.withLock { $0.connections = connections } }

  func end() {
    monitor.withLock { state in
      state.hasEnded = true
      state.arrivals = []
      state.connections = 0
    }
    monitor.signal()
  }
}
