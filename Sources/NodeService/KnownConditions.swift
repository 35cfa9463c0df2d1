package import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Synchronization

/// The kernel's complaints about volumes at the last check. A check may take as long as the disk takes to answer, and
/// `status` must not wait for it.
package final class KnownConditions: Sendable {
  private let complaints = Mutex<[VolumeName: FileSystemComplaint]>([:])
  /// Checks that have not ended.
  private let underWay = Mutex<Set<VolumeName>>([])
  private let patience: Duration

  /// - Parameter patience: how long to wait for a check.
  package init(patience: Duration = .seconds(20)) { self.patience = patience }

  func set(_ new: [VolumeName: FileSystemComplaint]) { complaints.withLock { $0 = new } }

  package func complaint(about volume: VolumeName) -> FileSystemComplaint? { complaints.withLock { $0[volume] } }

  /// Runs a check. Returns nil if it takes too long, or if an earlier check of the volume has not ended: only one runs
  /// at a time.
  func check<Value: Sendable>(
    _ volume: VolumeName, _ body: @escaping @Sendable () async -> Value
  ) async -> Value? {
    guard underWay.withLock({ $0.insert(volume).inserted }) else { return nil }
    return await answer(within: patience) { [self] in
      let value = await body()
      underWay.withLock { _ = $0.remove(volume) }
      return value
    }
  }
}
