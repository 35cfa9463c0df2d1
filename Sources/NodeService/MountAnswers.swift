internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// The last call for each directory that was answered with `mounted`.
///
/// A call whose reply is lost takes its mount back, but not if a later call for the same directory has been answered
/// with `mounted` meanwhile: the mount then belongs to that call. Read and written under the volume's lock.
package final class MountAnswers: Sendable {
  private struct State {
    var lastCall: [PublishTarget: UInt64] = [:]
    var count: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Records a success and returns its number.
  func record(_ target: PublishTarget) -> UInt64 {
    state.withLock { state in
      state.count += 1
      state.lastCall[target] = state.count
      return state.count
    }
  }

  func isLast(_ call: UInt64, for target: PublishTarget) -> Bool { state.withLock { $0.lastCall[target] == call } }

  func forget(_ target: PublishTarget) { state.withLock { $0.lastCall[target] = nil } }
}
