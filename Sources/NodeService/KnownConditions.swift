internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// What the kernel held against volumes when somebody last looked: to look may take as long as a disk takes to answer, and
/// `status` waits for none.
package final class KnownConditions: Sendable {
  private let complaints = Mutex<[VolumeName: FileSystemComplaint]>([:])

  func set(_ new: [VolumeName: FileSystemComplaint]) { complaints.withLock { $0 = new } }

  func complaint(about volume: VolumeName) -> FileSystemComplaint? { complaints.withLock { $0[volume] } }
}
