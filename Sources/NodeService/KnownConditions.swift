package import LinuxSystem
internal import LogicalVolumes
package import StorageModel
internal import Synchronization

/// What the kernel held against volumes when somebody last looked: to look may take as long as a disk takes to answer, and
/// `status` waits for none.
package final class KnownConditions: Sendable {
  private let complaints = Mutex<[VolumeName: FileSystemComplaint]>([:])
  /// Looks that have not ended.
  private let underWay = Mutex<Set<VolumeName>>([])
  private let patience: Duration

  /// - Parameter patience: how long a look is waited for.
  package init(patience: Duration = .seconds(20)) { self.patience = patience }

  func set(_ new: [VolumeName: FileSystemComplaint]) { complaints.withLock { $0 = new } }

  package func complaint(about volume: VolumeName) -> FileSystemComplaint? { complaints.withLock { $0[volume] } }

  /// What `body` finds; nil when it takes too long, or an earlier one for the volume has not ended: there is one at a time.
  func look<Value: Sendable>(
    at volume: VolumeName, _ body: @escaping @Sendable () async -> Value
  ) async -> Value? {
    guard underWay.withLock({ $0.insert(volume).inserted }) else { return nil }
    return await answer(within: patience) { [self] in
      let value = await body()
      underWay.withLock { _ = $0.remove(volume) }
      return value
    }
  }
}
