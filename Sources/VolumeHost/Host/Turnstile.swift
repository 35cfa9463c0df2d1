internal import Synchronization

/// Admits one task at a time, in the order of arrival. An actor cannot do this: other tasks enter it at every
/// suspension.
final class Turnstile: Sendable {
  private struct State {
    var isTaken = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  nonisolated(nonsending) func pass<T: Sendable, E: Error>(_ body: () async throws(E) -> T) async throws(E) -> T {
    await enter()
    defer { leave() }
    return try await body()
  }

  nonisolated(nonsending) private func enter() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        if state.isTaken { state.waiting.append(continuation) }
        defer { state.isTaken = true }
        return !state.isTaken
      }
      if isFree { continuation.resume() }
    }
  }

  private func leave() {
    let next = state.withLock { state in
      if state.waiting.isEmpty { state.isTaken = false }
      return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
    }
    next?.resume()
  }
}
