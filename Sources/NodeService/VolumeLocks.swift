internal import Synchronization
package import StorageModel

/// One lock per volume. Waiters are served first come, first served, and leave when their task is cancelled.
///
/// Order of locks: a volume's, then the engine's own. Nobody holds two volumes'.
package final class VolumeLocks: Sendable {
  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    /// Present while held: those who wait, in order.
    var waiters: [VolumeName: [Waiter]] = [:]
    var nextID: UInt64 = 0
    /// Waiters cancelled before they had queued up.
    var cancelled: Set<UInt64> = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Runs `body` while holding the volume's lock.
  ///
  /// - Throws: `cancelled` when the task is cancelled while waiting, and whatever `body` throws.
  package func withLock<Value>(
    _ volume: VolumeName, _ body: () async throws(VolumeError) -> Value
  ) async throws(VolumeError) -> Value {
    guard await acquire(volume) else {
      throw VolumeError(.cancelled, "the caller went away while another call for volume \(volume) was running")
    }
    do throws(VolumeError) {
      let value = try await body()
      release(volume)
      return value
    } catch {
      release(volume)
      throw error
    }
  }

  /// How many calls wait for the volume; for tests.
  func waiting(for volume: VolumeName) -> Int { state.withLock { $0.waiters[volume]?.count ?? 0 } }

  private func acquire(_ volume: VolumeName) async -> Bool {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isHeld = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in enqueue(Waiter(id: id, continuation: continuation), volume) }
    } onCancel: {
      cancel(id, volume)
    }
    // A cancellation that came after the lock was had leaves its mark.
    state.withLock { _ = $0.cancelled.remove(id) }
    return isHeld
  }

  private func enqueue(_ waiter: Waiter, _ volume: VolumeName) {
    let answer: Bool? = state.withLock { state in
      if state.cancelled.remove(waiter.id) != nil { return false }
      guard state.waiters[volume] != nil else {
        state.waiters[volume] = []
        return true
      }
      state.waiters[volume]?.append(waiter)
      return nil
    }
    if let answer { waiter.continuation.resume(returning: answer) }
  }

  private func cancel(_ id: UInt64, _ volume: VolumeName) {
    let waiter: Waiter? = state.withLock { state in
      if let index = state.waiters[volume]?.firstIndex(where: { $0.id == id }) {
        return state.waiters[volume]?.remove(at: index)
      }
      // Not queued: either it holds the lock, and its own checks see the cancellation, or it is about to queue.
      state.cancelled.insert(id)
      return nil
    }
    waiter?.continuation.resume(returning: false)
  }

  private func release(_ volume: VolumeName) {
    let next: Waiter? = state.withLock { state in
      guard let first = state.waiters[volume]?.first else {
        state.waiters[volume] = nil
        return nil
      }
      state.waiters[volume]?.removeFirst()
      return first
    }
    next?.continuation.resume(returning: true)
  }
}
