internal import LinuxSystem
internal import Synchronization
package import StorageModel

/// One lock per volume. Waiters are served first come, first served, and leave when their task is cancelled.
///
/// A program that goes on without its caller keeps everybody out, see ``LongRun``.
///
/// Order of locks: a volume's, then the engine's own. Nobody holds two volumes'.
package final class VolumeLocks: Sendable {
  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Turn, Never>
  }

  /// What came of asking for a lock.
  enum Turn: Sendable {
    case held
    case cancelled
    /// A program works on the volume.
    case busy(LongRun)
  }

  private struct State {
    /// Present while held: those who wait, in order.
    var waiters: [VolumeName: [Waiter]] = [:]
    var nextID: UInt64 = 0
    /// Waiters cancelled before they had queued up.
    var cancelled: Set<UInt64> = []
    /// Programs that work on volumes.
    var runs: [VolumeName: LongRun] = [:]
    /// Why the last program failed, where nobody was there to be told.
    var failures: [VolumeName: VolumeError] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Runs `body` while holding the volume's lock.
  ///
  /// - Throws: `cancelled` when the task is cancelled while waiting, and whatever `body` throws.
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

  /// How many calls wait for the volume; for tests.
  func waiting(for volume: VolumeName) -> Int { state.withLock { $0.waiters[volume]?.count ?? 0 } }

  static func cancelled(_ volume: VolumeName) -> VolumeError {
    VolumeError(.cancelled, "the caller went away while another call for volume \(volume) was running")
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
    // A cancellation that came after the lock was had leaves its mark.
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
      // Not queued: either it holds the lock, and its own checks see the cancellation, or it is about to queue.
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
  /// From now on nobody gets the lock of the run's volume, which its caller holds; those who wait for it are told.
  func begin(_ run: LongRun) {
    let waiters = state.withLock { state in
      state.runs[run.volume] = run
      state.failures[run.volume] = nil
      defer { state.waiters[run.volume] = [] }
      return state.waiters[run.volume] ?? []
    }
    for waiter in waiters { waiter.continuation.resume(returning: .busy(run)) }
  }

  /// - Parameter untold: why it failed, where nobody was there to be told.
  func end(_ run: LongRun, _ untold: VolumeError?) {
    state.withLock { state in
      state.runs[run.volume] = nil
      state.failures[run.volume] = untold
    }
  }

  /// The programs that go on, the oldest first.
  package var runs: [LongRun] { state.withLock { Array($0.runs.values) }.sorted { $0.age > $1.age } }

  /// Tells a caller that would do the same again why it failed the last time: once, so that the next call does it again.
  func throwFailure(of volume: VolumeName) throws(VolumeError) {
    let failure = state.withLock { $0.failures.removeValue(forKey: volume) }
    if let failure { throw failure.during("in the background, before this call") }
  }

  /// Ends all programs and waits until they have ended and undone what they had begun, at most so long.
  package func stopRuns(within limit: Duration) async {
    let end = MonotonicClock.now() + limit
    for run in runs { run.cancel() }
    for run in runs {
      // What came of it is logged where it ended; what could not be undone is settled by its permit at the next start.
      do throws(VolumeError) { try await run.wait(until: end) } catch { continue }
    }
  }
}
