import LinuxSystem
import NodeService
import StorageModel

/// The lock that keeps a second daemon off the node, held for as long as the process lives.
final class DaemonLock: Sendable {
  private let lock: ExclusiveLock

  /// - Throws: `conflict` naming the process that holds it.
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

  /// Ends the lock's life here and not earlier.
  func unlock() {}
}
