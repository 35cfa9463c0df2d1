internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// When each volume of unknown age was first asked about, by the monotonic clock. The volume is at least that old.
package final class UnknownAges: Sendable {
  private struct Sight {
    let instance: String
    let first: Duration
  }

  private let sights = Mutex<[VolumeName: Sight]>([:])
  private let now: @Sendable () -> Duration

  package init(now: @escaping @Sendable () -> Duration = { MonotonicClock.now() }) { self.now = now }

  /// How long ago exactly this volume was first asked about; zero the first time.
  func seen(_ volume: VolumeName, _ instance: String) -> Duration {
    let now = now()
    return sights.withLock { sights in
      if let sight = sights[volume], sight.instance == instance { return now - sight.first }
      sights[volume] = Sight(instance: instance, first: now)
      return .zero
    }
  }

  func forget(_ volume: VolumeName) { sights.withLock { $0[volume] = nil } }
}
