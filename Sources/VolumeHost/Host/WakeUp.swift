internal import Synchronization

/// Ends the sleep of one loop early. A signal while nobody sleeps ends the next sleep at once.
final class WakeUp: Sendable {
  private enum State {
    case idle
    case signalled
    case waiting(CheckedContinuation<Void, Never>)
  }

  private let state = Mutex(State.idle)

  func signal() {
    let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
      defer { state = .signalled }
      guard case .waiting(let continuation) = state else { return nil }
      return continuation
    }
    guard let waiting else { return }
    state.withLock { $0 = .idle }
    waiting.resume()
  }

  /// Suspends until a signal, until that time, or until the task is cancelled.
  func wait(until limit: Duration, _ time: any TimeSource) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await time.sleep(until: limit)
        if !Task.isCancelled { self.signal() }
      }
      await withTaskCancellationHandler {
        await self.waitForSignal()
      } onCancel: {
        self.signal()
      }
      group.cancelAll()
    }
  }

  private func waitForSignal() async {
    await withCheckedContinuation { continuation in
      let isSignalled = state.withLock { state in
        if case .signalled = state {
          state = .idle
          return true
        }
        state = .waiting(continuation)
        return false
      }
      if isSignalled { continuation.resume() }
    }
  }
}
