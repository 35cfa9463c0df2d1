internal import Glibc

/// The work of a ``RequestLoop``'s thread.
struct RequestServing {
  let inbox: RequestInbox
  let framing: RequestFraming
  let limits: RequestLoop.Limits
  let handler: RequestLoop.Handler

  private var connections = Connections()
  private var count: UInt64 = 0

  init(
    inbox: RequestInbox, framing: RequestFraming, limits: RequestLoop.Limits, handler: @escaping RequestLoop.Handler
  ) {
    self.inbox = inbox
    self.framing = framing
    self.limits = limits
    self.handler = handler
  }

  /// Serves until the loop is stopped. Blocks.
  func run() {
    var serving = self
    while serving.turn() {}
    for connection in serving.connections.all { serving.close(connection) }
    serving.inbox.end()
  }

  /// Runs one turn. Returns false if the loop is stopped.
  private mutating func turn() -> Bool {
    let ready = waitForEvents()
    inbox.wakeUp.clear()
    let news = inbox.take(arrivals: limits.dropsOldest ? .max : limits.connections - connections.count)
    if news.isStopping { return false }
    for connection in ready { step(connection) }
    for reply in news.replies { begin(reply) }
    for arrival in news.arrivals { admit(arrival) }
    if news.isShort, let victim = connections.victim() { close(victim) }
    endOverdue()
    inbox.setConnectionCount(connections.count)
    // Closed connections may allow the waiting ones to be admitted.
    if news.left > 0, connections.count < limits.connections { inbox.wakeUp.wake() }
    return true
  }

  /// Waits for events and returns the connections that have one.
  private func waitForEvents() -> [Connection] {
    let all = connections.all
    var entries = all.map { pollfd(fd: $0.number, events: $0.awaited, revents: 0) }
    entries.append(pollfd(fd: inbox.wakeUp.pollNumber, events: Int16(POLLIN), revents: 0))
    do throws(SystemError) {
      guard try Poll.wait(&entries, until: all.compactMap(\.deadline).min()) == .ready else { return [] }
    } catch {
      // poll(2) fails here only without memory. Try again later.
      ThreadSleep.sleep(.milliseconds(100))
      return []
    }
    return zip(all, entries).filter { $0.1.revents != 0 }.map { $0.0 }
  }

  /// Reads at once: most peers have sent their request by now. They are served before their connection can be closed
  /// for another.
  private mutating func admit(_ arrival: Arrival) {
    while connections.count >= limits.connections, let victim = connections.victim() { close(victim) }
    count += 1
    let connection = Connection(count, arrival, until: MonotonicClock.now() + limits.requestTime)
    connections.add(connection)
    step(connection)
  }

  private mutating func step(_ connection: Connection) {
    switch connection.phase {
    case .reading(let bytes): read(connection, bytes)
    // The only awaited event is that the peer has gone.
    case .answering: close(connection)
    case .writing: write(connection)
    case .lingering: if !connection.dropInput() { close(connection) }
    case .closed: break
    }
  }

  private mutating func endOverdue() {
    let now = MonotonicClock.now()
    for connection in connections.all {
      guard let deadline = connection.deadline, deadline <= now else { continue }
      guard case .reading(let bytes) = connection.phase else {
        close(connection)
        continue
      }
      if connection.next == nil { answer(.failure(.timedOut), connection) } else { readLast(connection, bytes) }
    }
  }
}

// MARK: - One connection

extension RequestServing {
  private func read(_ connection: Connection, _ before: [UInt8]) {
    do throws(FrameError) {
      switch try receive(connection, before) {
      case .whole(let request): answer(.success(request), connection)
      case .part(let bytes): connection.phase = .reading(bytes)
      case .end(let bytes): throw .closed(received: bytes.count)
      }
    } catch {
      answer(.failure(error), connection)
    }
  }

  /// Handles the end of the time for a request after a reply. The kernel rejects later bytes; bytes that have come
  /// count.
  private func readLast(_ connection: Connection, _ before: [UInt8]) {
    do throws(FrameError) {
      do throws(SystemError) { try connection.endReading() } catch { throw .system(error) }
      guard case .whole(let request) = try receive(connection, before) else { throw .timedOut }
      answer(.success(request), connection)
    } catch {
      answer(.failure(error), connection)
    }
  }

  private enum Received {
    case whole([UInt8])
    /// With all bytes received so far.
    case part([UInt8])
    /// With all bytes received; no more will come.
    case end([UInt8])
  }

  /// Receives what has come, without waiting.
  private func receive(_ connection: Connection, _ before: [UInt8]) throws(FrameError) -> Received {
    let limit = connection.next?.size ?? limits.requestSize
    var bytes = before
    while let chunk = try connection.receive() {
      guard !chunk.isEmpty else { return .end(bytes) }
      let seen = bytes.count
      bytes += chunk
      if let length = framing.length(of: bytes, seen: seen), length <= limit { return .whole(Array(bytes[..<length])) }
      if bytes.count > limit { throw .tooLarge(limit: limit) }
    }
    return .part(bytes)
  }

  private func answer(_ request: Result<[UInt8], FrameError>, _ connection: Connection) {
    connection.phase = .answering
    if let next = connection.next {
      connection.deadline = nil
      connection.whenGone = nil
      next.handler(request)
    } else {
      connection.deadline = limits.answerTime.map { MonotonicClock.now() + $0 }
      connection.whenGone = handler(request, Exchange(connection.id, inbox))
    }
  }

  private mutating func begin(_ reply: RequestInbox.Reply) {
    guard let connection = connections[reply.number], case .answering = connection.phase else { return }
    connection.whenGone = { reply.fail() }
    guard !reply.bytes.isEmpty else { return close(connection) }
    connection.phase = .writing(reply.bytes[...], of: reply)
    connection.deadline = MonotonicClock.now() + limits.replyTime
    write(connection)
  }

  private mutating func write(_ connection: Connection) {
    guard case .writing(let rest, let reply) = connection.phase else { return }
    guard let left = connection.send(rest) else { return close(connection) }
    guard left.isEmpty else {
      connection.phase = .writing(left, of: reply)
      return
    }
    if let next = reply.next { return expect(next, from: connection) }
    connection.whenGone = nil
    reply.ended?(true)
    finish(connection)
  }

  /// Waits for the next request. Until it has come, the end of the connection fails the reply.
  private func expect(_ next: NextRequest, from connection: Connection) {
    connection.next = next
    connection.phase = .reading([])
    connection.deadline = MonotonicClock.now() + next.time
  }

  private mutating func finish(_ connection: Connection) {
    guard limits.lingers else { return close(connection) }
    connection.endWriting()
    connection.phase = .lingering
    connection.deadline = MonotonicClock.now() + .seconds(1)
    if !connection.dropInput() { close(connection) }
  }

  private mutating func close(_ connection: Connection) {
    guard connections.remove(connection) else { return }
    connection.phase = .closed
    connection.whenGone?()
    connection.whenGone = nil
  }
}
