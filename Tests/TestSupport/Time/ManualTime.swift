internal import KubernetesAPI
package import LinuxSystem
internal import Synchronization

/// Time that a test moves. Chance is always in the middle.
package final class ManualTime: Timekeeper {
  private let state = Mutex(State())
  /// Moves by itself to the end of each sleep: for tests that only look at how long was waited.
  private let isHasty: Bool

  private struct State {
    var now = Duration.zero
    var waits: [Duration] = []
    var next = 0
    var sleepers: [Int: (time: Duration, continuation: CheckedContinuation<Bool, Never>)] = [:]
  }

  package init(isHasty: Bool = false) { self.isHasty = isHasty }

  package var now: Duration { state.withLock { $0.now } }
  package var wallClock: Timestamp { Timestamp(seconds: 1_700_000_000) + now }
  package func random() -> Double { 0.5 }

  /// The sleeps so far, as long as they were asked for.
  package var waits: [Duration] { state.withLock { $0.waits } }
  /// When the sleepers want to wake.
  package var alarms: [Duration] { state.withLock { $0.sleepers.values.map(\.time).sorted() } }

  package func sleep(until time: Duration) async throws(CancellationError) {
    let id = state.withLock { state in
      state.waits.append(time - state.now)
      if isHasty { state.now = max(state.now, time) }
      state.next += 1
      return state.next
    }
    let wasWoken = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if Task.isCancelled { return false }
          if state.now >= time { return true }
          state.sleepers[id] = (time, continuation)
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(returning: false)
    }
    guard wasWoken else { throw CancellationError() }
  }

  /// Moves on and wakes who wanted to be woken by then.
  package func advance(to time: Duration) {
    let woken = state.withLock { state in
      state.now = time
      let due = state.sleepers.filter { $0.value.time <= time }
      for id in due.keys { state.sleepers[id] = nil }
      return due.values.map(\.continuation)
    }
    for continuation in woken { continuation.resume(returning: true) }
  }

  /// Moves on by that much and wakes who wanted to be woken by then.
  package func advance(by duration: Duration) { advance(to: now + duration) }

  /// Moves to the next alarm that is not behind `limit`; false when there is none.
  package func advanceToNextAlarm(upTo limit: Duration) -> Bool {
    guard let next = alarms.first, next <= limit else { return false }
    advance(to: next)
    return true
  }
}
