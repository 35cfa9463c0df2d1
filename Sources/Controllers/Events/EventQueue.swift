internal import KubernetesAPI
internal import Synchronization

/// Events that wait to be sent: a bounded number, the oldest are dropped.
final class EventQueue: Sendable {
  private let limit: Int
  private let state = Mutex(State())

  private struct State {
    var notes: [EventNote] = []
    var isSending = false
    var dropped = 0
    var waiter: CheckedContinuation<EventNote?, Never>?
  }

  init(limit: Int) { self.limit = limit }

  var dropped: Int { state.withLock { $0.dropped } }
  var isEmpty: Bool { state.withLock { $0.notes.isEmpty && !$0.isSending } }
  func countDropped() { state.withLock { $0.dropped += 1 } }

  func append(_ note: EventNote) {
    let waiter = state.withLock { state in
      if let waiter = state.waiter.take() {
        state.isSending = true
        return waiter as CheckedContinuation<EventNote?, Never>?
      }
      if state.notes.count >= limit {
        state.notes.removeFirst()
        state.dropped += 1
      }
      state.notes.append(note)
      return nil
    }
    waiter?.resume(returning: note)
  }

  /// The next event, nil when the task is cancelled.
  func next() async -> EventNote? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> EventNote?? in
          state.isSending = false
          if Task.isCancelled { return .some(nil) }
          guard state.notes.isEmpty else {
            state.isSending = true
            return state.notes.removeFirst()
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
