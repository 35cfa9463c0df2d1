internal import KubernetesAPI
internal import Synchronization

/// Events that wait to be sent. The number is bounded; the oldest are dropped.
final class EventQueue: Sendable {
  private let limit: Int
  private let state = Mutex(State())

  private struct State {
    var events: [QueuedEvent] = []
    var isSending = false
    var dropped = 0
    var waiter: CheckedContinuation<QueuedEvent?, Never>?
  }

  init(limit: Int) { self.limit = limit }

  var dropped: Int { state.withLock { $0.dropped } }
  var isEmpty: Bool { state.withLock { $0.events.isEmpty && !$0.isSending } }
  func countDropped() { state.withLock { $0.dropped += 1 } }

  func append(_ event: QueuedEvent) {
    let waiter = state.withLock { state in
      if let waiter = state.waiter.take() {
        state.isSending = true
        return waiter as CheckedContinuation<QueuedEvent?, Never>?
      }
      if state.events.count >= limit {
        state.events.removeFirst()
        state.dropped += 1
      }
      state.events.append(event)
      return nil
    }
    waiter?.resume(returning: event)
  }

  /// Waits for the next Event; nil when the task is cancelled.
  func next() async -> QueuedEvent? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> QueuedEvent?? in
          state.isSending = false
          if Task.isCancelled { return .some(nil) }
          guard state.events.isEmpty else {
            state.isSending = true
            return state.events.removeFirst()
          }
          state.waiter = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume(returning: nil)
    }
  }
}
