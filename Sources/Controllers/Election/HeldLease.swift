internal import KubernetesAPI
internal import Synchronization

/// A lease that is ours: when it was renewed, and whether it is still to be kept.
final class HeldLease: Sendable {
  let record: LeaseRecord
  private let state: Mutex<State>

  private struct State {
    var lastRenewal: Duration
    var isLost = false
  }

  /// - Parameter begin: before the request was sent. Others count from when they see it, which is later.
  init(_ record: LeaseRecord, since begin: Duration) {
    self.record = record
    state = Mutex(State(lastRenewal: begin))
  }

  var lastRenewal: Duration { state.withLock { $0.lastRenewal } }
  var isLost: Bool { state.withLock { $0.isLost } }

  func renewed(at begin: Duration) { state.withLock { $0.lastRenewal = begin } }

  /// True the first time.
  func lose() -> Bool {
    state.withLock { state in
      defer { state.isLost = true }
      return !state.isLost
    }
  }
}
