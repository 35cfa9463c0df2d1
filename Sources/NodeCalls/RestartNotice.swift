internal import LinuxSystem
internal import StorageModel
package import Telemetry

/// The file beside the socket by which a daemon that was told to end says that another is to come, so that the client waits
/// for that one. See docs/wire.md.
package struct RestartNotice: Sendable {
  private let path: String
  private let log: Log

  package init(socket: String, log: Log) {
    // The client knows the name too: `isBeingReplaced` in Sources/FlexClient/DaemonCall.swift.
    path = socket + ".restarting"
    self.log = log
  }

  /// Leaves it. Its time of modification says since when the daemon is away. Without it calls fail earlier, nothing more.
  package func leave() {
    do { try Files.writeDurably([], to: path, mode: 0o600) } catch {
      log.warning("restart notice could not be written", ["path": path, "reason": "\(error)"])
    }
  }

  /// Takes it away: a daemon serves.
  package func remove() {
    do throws(SystemError) { try Files.removeDurably(path) } catch {
      log.warning("restart notice could not be removed", ["path": path, "reason": "\(error)"])
    }
  }
}
