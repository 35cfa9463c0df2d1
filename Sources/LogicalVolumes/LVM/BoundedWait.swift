internal import Synchronization

/// The result of `body` if it ends within `limit`, otherwise nil. The body then continues by itself.
package func answer<Value: Sendable>(
  within limit: Duration, _ body: @Sendable @escaping () async -> Value
) async -> Value? {
  await withCheckedContinuation { continuation in
    let first = FirstAnswer(continuation)
    let timer = Task.detached {
      do { try await Task.sleep(for: limit) } catch { return }  // cancelled: the body has ended
      first.give(nil)
    }
    Task.detached {
      let value = await body()
      timer.cancel()
      first.give(value)
    }
  }
}

/// Resumes a continuation once, with the first of several values.
private final class FirstAnswer<Value: Sendable>: Sendable {
  private let waiting: Mutex<CheckedContinuation<Value?, Never>?>

  init(_ continuation: CheckedContinuation<Value?, Never>) { waiting = Mutex(continuation) }

  func give(_ value: Value?) {
    let continuation = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
    continuation?.resume(returning: value)
  }
}
