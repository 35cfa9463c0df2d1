import LinuxSystem
import NodeService
import StorageModel

/// The lock that prevents a second daemon on the node. It is held as long as the process lives.
final class DaemonLock: Sendable {
  private let lock: ExclusiveLock

  /// - Throws: `conflict` with the process that holds it.
  init(path: String) throws(VolumeError) {
    do throws(SystemError) {
      lock = try ExclusiveLock.acquire(path)
    } catch {
      guard error.errno == .wouldBlock else { throw VolumeError(error, during: "locking \(path)") }
      let holder = ExclusiveLock.holder(path).map { " (process \($0))" } ?? ""
      throw VolumeError(
        .conflict, "another elastic-local-node\(holder) serves this node and holds \(path); there can be only one")
    }
  }

  /// Ends the lock's lifetime here, not earlier.
  func unlock() {}
}
