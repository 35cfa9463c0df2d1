internal import LinuxSystem
internal import StorageModel
package import Telemetry

/// A file beside the socket. A daemon that ends leaves it to say that another one will start, so that the client waits
/// for that one. See docs/wire.md.
package struct RestartNotice: Sendable {
  private let path: String
  private let log: Log

  package init(socket: String, log: Log) {
    // The client knows the name too: `isBeingReplaced` in Sources/FlexClient/DaemonCall.swift.
    path = socket + ".restarting"
    self.log = log
  }

  /// Writes the file. Its modification time is the start of the restart. Without the file calls fail earlier; nothing
  /// else depends on it.
  package func leave() {
    do { try Files.writeDurably([], to: path, mode: 0o600) } catch {
      log.warning("restart notice could not be written", ["path": path, "reason": "\(error)"])
    }
  }

  /// Removes the file, because a daemon serves again.
  package func remove() {
    do throws(SystemError) { try Files.removeDurably(path) } catch {
      log.warning("restart notice could not be removed", ["path": path, "reason": "\(error)"])
    }
  }
}
