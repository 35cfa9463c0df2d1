import LinuxSystem
import NodeCalls
import StorageModel
import Synchronization
import Telemetry

/// What a daemon does while nobody calls it: it looks after the socket's file, and gives free memory back.
///
/// It has a thread, which wakes once each time. A task would wake libdispatch's timer thread, that one a thread for the
/// task, and the kernel would switch three to six times. It also goes on when all threads for tasks are blocked.
final class Upkeep: Sendable {
  /// How often. Less than the time for which a client waits for a socket. One interval for both: an idle daemon is to wake
  /// seldom.
  private static let interval = Duration.seconds(4)

  private let server: NodeServer
  private let path: String
  private let log: Log
  private let memory = MemoryUpkeep()
  /// The last finding, which is logged once.
  private let last = Mutex("")
  private let thread = Mutex<WatchThread?>(nil)

  /// Starts the thread, when the daemon's start is over.
  ///
  /// - Throws: `unavailable` if that is not possible.
  init(of server: NodeServer, at path: String, log: Log) throws(VolumeError) {
    self.server = server
    self.path = path
    self.log = log
    do throws(SystemError) {
      let watch = try WatchThread(name: "upkeep") { [weak self] in
        guard let self else { return nil }
        look()
        return Self.interval
      }
      thread.withLock { $0 = watch }
    } catch {
      throw VolumeError(.unavailable, "the upkeep thread cannot be started: \(error)", cause: error)
    }
  }

  /// Ends the thread. Does not wait for it.
  func stop() { thread.withLock { $0 = nil } }

  /// Each LVM command leaves several times of what it keeps, in small pieces that the allocator holds on to, and so does a
  /// list of PVs.
  private func look() {
    memory.look()
    let finding = lookAtSocket()
    let isNew = last.withLock { last in
      defer { last = finding }
      return finding != last && !finding.isEmpty
    }
    if isNew { log.error("socket is lost", ["socket": path, "reason": finding]) }
  }

  /// Without the socket's file no call reaches the daemon.
  ///
  /// - Returns: what is wrong with it; empty when nothing is.
  private func lookAtSocket() -> String {
    do throws(VolumeError) {
      switch try server.restoreSocket() {
      case .inPlace: break
      case .restored: log.warning("socket was removed and has been created again", ["socket": path])
      case .replaced: return "another file has its name; is a second daemon configured with it?"
      }
      return ""
    } catch {
      return error.message
    }
  }
}
