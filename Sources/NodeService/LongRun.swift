package import LinuxSystem
package import StorageModel
internal import Synchronization

/// A program that may take longer than a call: mkfs, e2fsck, the growth of a file system. It goes on when its caller has
/// been answered, or is gone, and nobody gets the volume's lock until it has ended.
package final class LongRun: Sendable {
  /// What is being done.
  package enum Phase: String, Sendable, CaseIterable {
    case formatting, checking, growing
  }

  /// Why a wait for its end is over.
  enum Turn: Sendable {
    case ended
    /// The time is up; it goes on.
    case late
    /// The task that waited was cancelled; it goes on.
    case left
  }

  private struct State {
    var outcome: Result<Void, VolumeError>?
    var waiters: [UInt64: CheckedContinuation<Turn, Never>] = [:]
    /// Turns that came before their waiter.
    var early: [UInt64: Turn] = [:]
    var count: UInt64 = 0
    /// Whether the call that began it waits for its end.
    var hasCaller = true
    /// It is about to end: a caller that waits now sees the end.
    var isEnding = false
    var task: Task<Void, Never>?
    var isCancelled = false
  }

  package let volume: VolumeName
  package let phase: Phase
  /// When it began, for people.
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

  /// For how long it has been going on.
  package var age: Duration { MonotonicClock.now() - began }

  /// Whether it is over.
  var hasEnded: Bool { state.withLock { $0.outcome != nil } }

  /// `volume pvc-1 is being formatted since 2026-01-01T00:00:00Z (20 s): writing inode tables 120 of 800`
  var words: String {
    let what =
      switch phase {
      case .formatting: "is being formatted"
      case .checking: "has its file system checked and repaired"
      case .growing: "has its file system grown"
      }
    let seconds = age.components.seconds
    return "volume \(volume) \(what) since \(startedAt) (\(seconds) s)\(progress.text.map { ": \($0)" } ?? "")"
  }

  // MARK: Its life

  func begin(_ body: @escaping @Sendable () async -> Void) {
    let task = Task.detached { await body() }
    let isCancelled = state.withLock { state in
      state.task = task
      return state.isCancelled
    }
    if isCancelled { task.cancel() }
  }

  /// Ends the program; it is over when ``wait(until:)`` says so.
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

  /// Says that nothing is left to be done but what its caller, if it is still there, does with the outcome.
  ///
  /// - Returns: whether its caller is there; it will be told the outcome then.
  func beginEnd() -> Bool {
    state.withLock { state in
      state.isEnding = state.hasCaller
      return state.hasCaller
    }
  }

  /// Waits for its end.
  ///
  /// - Throws: why it failed; `inProgress` when it goes on at that time (of `MonotonicClock`), `cancelled` when the task
  ///   is cancelled: it goes on then too.
  func wait(until limit: Duration) async throws(VolumeError) {
    switch await turn(until: limit) {
    case .ended: try result()
    case .late: throw goesOn
    case .left: throw goesOnAlone
    }
  }

  /// Why it failed, if it did.
  func result() throws(VolumeError) { try state.withLock { $0.outcome }?.get() }

  var goesOn: VolumeError { VolumeError(.inProgress, "\(words). It goes on by itself; call again for its end") }
  var goesOnAlone: VolumeError { VolumeError(.cancelled, "the caller went away; \(words), and that goes on") }

  /// - Parameter isCaller: whether this is the call that began it.
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
      // Cancelled: it has ended before.
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
