internal import KubernetesAPI
internal import Synchronization

/// A lease that this process holds: the time of its last renewal, and whether to keep it.
final class HeldLease: Sendable {
  let record: LeaseRecord
  private let state: Mutex<State>

  private struct State {
    var lastRenewal: Duration
    var isLost = false
  }

  /// - Parameter begin: the time before the request was sent. Other processes count from a later time, when they see
  ///   the change.
  init(_ record: LeaseRecord, since begin: Duration) {
    self.record = record
    state = Mutex(State(lastRenewal: begin))
  }

  var lastRenewal: Duration { state.withLock { $0.lastRenewal } }
  var isLost: Bool { state.withLock { $0.isLost } }

  func renewed(at begin: Duration) { state.withLock { $0.lastRenewal = begin } }

  /// Marks the lease as lost. Returns true the first time.
  func lose() -> Bool {
    state.withLock { state in
      defer { state.isLost = true }
      return !state.isLost
    }
  }
}
