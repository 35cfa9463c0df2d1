internal import LinuxSystem
internal import Synchronization
package import StorageModel

/// One lock per volume. Waiters get it in order, and leave when their task is cancelled.
///
/// A program that continues without its caller keeps all others from the lock, see ``LongRun``.
///
/// Lock order: a volume's lock, then the engine's. Only the creation of a clone holds the locks of two volumes: its own,
/// and for a moment that of its origin. No two calls can wait for each other, because an origin exists, and the volume of a
/// call that waits for an origin does not exist yet.
package final class VolumeLocks: Sendable {
  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Turn, Never>
  }

  /// The result of a request for a lock.
  enum Turn: Sendable {
    case held
    case cancelled
    /// A program works on the volume.
    case busy(LongRun)
  }

  private struct State {
    /// Locked volumes, with their waiters in order.
    var waiters: [VolumeName: [Waiter]] = [:]
    var nextID: UInt64 = 0
    /// Waiters that were cancelled before they were queued.
    var cancelled: Set<UInt64> = []
    /// Programs that work on volumes.
    var runs: [VolumeName: LongRun] = [:]
    /// The failure of the last program, if no caller was left to get it.
    var failures: [VolumeName: VolumeError] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Waits for the volume's lock and runs `body` while holding it.
  ///
  /// - Throws: `cancelled` if the task is cancelled while waiting, and the errors of `body`.
  package func withLock<Value>(
    _ volume: VolumeName, _ body: () async throws(VolumeError) -> Value
  ) async throws(VolumeError) -> Value {
    guard case .held = await acquire(volume) else { throw Self.cancelled(volume) }
    do throws(VolumeError) {
      let value = try await body()
      unlock(volume)
      return value
    } catch {
      unlock(volume)
      throw error
    }
  }

  /// The number of calls that wait for the volume; for tests.
  func waiting(for volume: VolumeName) -> Int { state.withLock { $0.waiters[volume]?.count ?? 0 } }

  static func cancelled(_ volume: VolumeName) -> VolumeError {
    VolumeError(.cancelled, "the caller disconnected while another call for volume \(volume) was running")
  }

  func acquire(_ volume: VolumeName) async -> Turn {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let turn = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in enqueue(Waiter(id: id, continuation: continuation), volume) }
    } onCancel: {
      cancel(id, volume)
    }
    // A cancellation after the lock was obtained leaves an entry.
    state.withLock { _ = $0.cancelled.remove(id) }
    return turn
  }

  private func enqueue(_ waiter: Waiter, _ volume: VolumeName) {
    let answer: Turn? = state.withLock { state in
      if state.cancelled.remove(waiter.id) != nil { return .cancelled }
      if let run = state.runs[volume] { return .busy(run) }
      guard state.waiters[volume] != nil else {
        state.waiters[volume] = []
        return .held
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
      // Not queued: either the task holds the lock, and its own checks notice the cancellation, or it is about to
      // queue.
      state.cancelled.insert(id)
      return nil
    }
    waiter?.continuation.resume(returning: .cancelled)
  }

  func unlock(_ volume: VolumeName) {
    let next: Waiter? = state.withLock { state in
      guard let first = state.waiters[volume]?.first else {
        state.waiters[volume] = nil
        return nil
      }
      state.waiters[volume]?.removeFirst()
      return first
    }
    next?.continuation.resume(returning: .held)
  }
}

// MARK: - Programs

extension VolumeLocks {
  /// Marks the volume as busy with the run, whose caller holds the lock. Those that wait for the lock are informed.
  func begin(_ run: LongRun) {
    let waiters = state.withLock { state in
      state.runs[run.volume] = run
      state.failures[run.volume] = nil
      defer { state.waiters[run.volume] = [] }
      return state.waiters[run.volume] ?? []
    }
    for waiter in waiters { waiter.continuation.resume(returning: .busy(run)) }
  }

  /// - Parameter untold: the failure, if no caller was left to get it.
  func end(_ run: LongRun, _ untold: VolumeError?) {
    state.withLock { state in
      state.runs[run.volume] = nil
      state.failures[run.volume] = untold
    }
  }

  /// The running programs, the oldest first.
  package var runs: [LongRun] { state.withLock { Array($0.runs.values) }.sorted { $0.age > $1.age } }

  /// Throws the failure of the last program to a caller that would do the same again. Throws it once, so that the next
  /// call tries again.
  func throwFailure(of volume: VolumeName) throws(VolumeError) {
    let failure = state.withLock { $0.failures.removeValue(forKey: volume) }
    if let failure { throw failure.during("in the background, before this call") }
  }

  /// Ends all programs. Waits at most `limit` until they have ended and undone their steps.
  package func stopRuns(within limit: Duration) async {
    let end = MonotonicClock.now() + limit
    for run in runs { run.cancel() }
    for run in runs {
      // Failures are logged where the program ends. An undo that failed is settled by the permit at the next start.
      do throws(VolumeError) { try await run.wait(until: end) } catch { continue }
    }
  }
}
