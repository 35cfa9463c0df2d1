internal import Synchronization

/// A request in progress, shared by the thread that runs transfers and the task that waits for one.
///
/// Holds at most ``limit`` unread bytes, and one more piece. Beyond that the connection is not read, so a slow reader
/// slows the server down instead of filling memory.
final class Transfer: Sendable {
  let request: HTTPRequest
  private let state = Mutex(State())

  static let limit = 256 << 10

  init(_ request: HTTPRequest) { self.request = request }

  typealias Answer<Value> = Result<Value, TransportError>
  private typealias Waiter<Value> = CheckedContinuation<Answer<Value>, Never>

  private struct State {
    var head: HTTPHead?
    var pieces: [UInt8] = []
    var end: Answer<Void>?
    var isPaused = false
    var headWaiter: Waiter<HTTPHead>?
    var bodyWaiter: Waiter<[UInt8]?>?
  }
}

// The thread's side.
extension Transfer {
  func receive(_ head: HTTPHead) {
    let waiter = state.withLock { state in
      state.head = head
      return state.headWaiter.take()
    }
    waiter?.resume(returning: .success(head))
  }

  /// Takes a piece of the body. Returns false, without taking it, when there is no space.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let (isTaken, waiter) = state.withLock { state -> (Bool, Waiter<[UInt8]?>?) in
      if let waiter = state.bodyWaiter.take() { return (true, waiter) }
      guard state.pieces.count < Self.limit else {
        state.isPaused = true
        return (false, nil)
      }
      state.pieces.append(contentsOf: bytes)
      return (true, nil)
    }
    waiter?.resume(returning: .success(Array(bytes)))
    return isTaken
  }

  /// Ends the transfer. Only the first end counts.
  func end(_ result: Answer<Void>) {
    let (head, body) = state.withLock { state -> (Waiter<HTTPHead>?, Waiter<[UInt8]?>?) in
      guard state.end == nil else { return (nil, nil) }
      state.end = result
      return (state.headWaiter.take(), state.bodyWaiter.take())
    }
    head?.resume(returning: Self.headless(result))
    body?.resume(returning: result.map { nil })
  }

  private static func headless(_ end: Answer<Void>) -> Answer<HTTPHead> {
    end.flatMap { .failure(TransportError(.malformed, "the API server closed the connection without a reply")) }
  }
}

// The task's side.
extension Transfer {
  var hasEnded: Bool { state.withLock { $0.end != nil } }

  func head() async -> Answer<HTTPHead> {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> Answer<HTTPHead>? in
        if let head = state.head { return .success(head) }
        if let end = state.end { return Self.headless(end) }
        state.headWaiter = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Waits for the bytes that have arrived since the last call. Calls `resume` if the connection was not read for lack
  /// of space.
  func next(resume: () -> Void) async -> Answer<[UInt8]?> {
    await withCheckedContinuation { continuation in
      let (answer, wasPaused) = state.withLock { state -> (Answer<[UInt8]?>?, Bool) in
        defer { state.isPaused = false }
        if !state.pieces.isEmpty {
          defer { state.pieces = [] }
          return (.success(state.pieces), state.isPaused)
        }
        if let end = state.end { return (end.map { nil }, false) }
        state.bodyWaiter = continuation
        return (nil, state.isPaused)
      }
      if wasPaused { resume() }
      if let answer { continuation.resume(returning: answer) }
    }
  }
}
