package import LinuxSystem
package import StorageModel
internal import Synchronization

/// A program that may take longer than a call: mkfs, e2fsck, the growth of a file system, the completion of a clone. It continues after its caller
/// has been answered or has gone. Until it ends, no call gets the volume's lock.
package final class LongRun: Sendable {
  /// The kind of work.
  package enum Phase: String, Sendable, CaseIterable {
    case formatting, cloning, checking, growing
  }

  /// Why a wait for the end returned.
  enum Turn: Sendable {
    case ended
    /// The time is up; the program is still running.
    case late
    /// The waiting task was cancelled; the program is still running.
    case left
  }

  private struct State {
    var outcome: Result<Void, VolumeError>?
    var waiters: [UInt64: CheckedContinuation<Turn, Never>] = [:]
    /// Results that arrived before their waiter.
    var early: [UInt64: Turn] = [:]
    var count: UInt64 = 0
    /// Whether the call that started the program waits for its end.
    var hasCaller = true
    /// Whether the program is about to end. A caller that waits now gets the result.
    var isEnding = false
    var task: Task<Void, Never>?
    var isCancelled = false
  }

  package let volume: VolumeName
  package let phase: Phase
  /// The start time, as text.
  package let startedAt: String
  package let progress: ToolProgress
  private let began = MonotonicClock.now()
  private let state = Mutex(State())

  init(_ volume: VolumeName, _ phase: Phase, startedAt: String) {
    self.volume = volume
    self.phase = phase
    self.startedAt = startedAt
    progress = ToolProgress()
  }

  /// The time since the start.
  package var age: Duration { MonotonicClock.now() - began }

  /// Whether the program has ended.
  var hasEnded: Bool { state.withLock { $0.outcome != nil } }

  /// `volume pvc-1 is being formatted since 2026-01-01T00:00:00Z (20 s): writing inode tables 120 of 800`
  var words: String {
    let what =
      switch phase {
      case .formatting: "is being formatted"
      case .cloning: "is being completed as a clone"
      case .checking: "has its file system checked and repaired"
      case .growing: "has its file system grown"
      }
    let seconds = age.components.seconds
    return "volume \(volume) \(what) since \(startedAt) (\(seconds) s)\(progress.text.map { ": \($0)" } ?? "")"
  }

  // MARK: Running

  func begin(_ body: @escaping @Sendable () async -> Void) {
    let task = Task.detached { await body() }
    let isCancelled = state.withLock { state in
      state.task = task
      return state.isCancelled
    }
    if isCancelled { task.cancel() }
  }

  /// Kills the program. ``wait(until:)`` returns when it has ended.
  func cancel() {
    let task = state.withLock { state in
      state.isCancelled = true
      return state.task
    }
    task?.cancel()
  }

  func finish(_ outcome: Result<Void, VolumeError>) {
    let waiters = state.withLock { state in
      state.outcome = outcome
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(returning: .ended) }
  }

  // MARK: Waiting

  /// Marks the program as ending: only its caller's part, if there still is a caller, is left to do.
  ///
  /// - Returns: whether there is a caller. It then gets the result.
  func beginEnd() -> Bool {
    state.withLock { state in
      state.isEnding = state.hasCaller
      return state.hasCaller
    }
  }

  /// Waits for the end.
  ///
  /// - Throws: the program's failure; `inProgress` if it is still running at `limit` (a time of `MonotonicClock`);
  ///   `cancelled` if the task is cancelled, in which case the program continues.
  func wait(until limit: Duration) async throws(VolumeError) {
    switch await turn(until: limit) {
    case .ended: try result()
    case .late: throw goesOn
    case .left: throw goesOnAlone
    }
  }

  /// Throws the program's failure, if it failed.
  func result() throws(VolumeError) { try state.withLock { $0.outcome }?.get() }

  var goesOn: VolumeError { VolumeError(.inProgress, "\(words). It continues by itself; call again for its result") }
  var goesOnAlone: VolumeError {
    VolumeError(.cancelled, "the caller disconnected; \(words), and the program continues")
  }

  /// - Parameter isCaller: whether this is the call that started the program.
  func turn(until limit: Duration, isCaller: Bool = false) async -> Turn {
    let id =
      isCaller
      ? Self.caller
      : state.withLock { state in
        state.count += 1
        return state.count
      }
    let timer = Task.detached { [self] in
      let left = limit - MonotonicClock.now()
      // Cancelled means that the run has ended before.
      if left > .zero { do { try await Task.sleep(for: left) } catch { return } }
      give(.late, to: id)
    }
    let turn = await withTaskCancellationHandler {
      await withCheckedContinuation { queue($0, id) }
    } onCancel: {
      give(.left, to: id)
    }
    timer.cancel()
    state.withLock { $0.early[id] = nil }
    return turn
  }

  private static let caller: UInt64 = 0

  private func queue(_ continuation: CheckedContinuation<Turn, Never>, _ id: UInt64) {
    let answer: Turn? = state.withLock { state in
      if state.outcome != nil { return .ended }
      if let early = state.early[id] { return early }
      state.waiters[id] = continuation
      return nil
    }
    if let answer { continuation.resume(returning: answer) }
  }

  private func give(_ turn: Turn, to id: UInt64) {
    let waiter: CheckedContinuation<Turn, Never>? = state.withLock { state in
      if state.outcome != nil || id == Self.caller && state.isEnding { return nil }
      if id == Self.caller { state.hasCaller = false }
      if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
      if state.early[id] == nil { state.early[id] = turn }
      return nil
    }
    waiter?.resume(returning: turn)
  }
}
