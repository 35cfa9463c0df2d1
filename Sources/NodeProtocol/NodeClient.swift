internal import LinuxSystem
package import StorageModel

/// Asks the daemon of this node, for our own command-line tool. The flex client has a tiny one of its own.
package enum NodeClient {
  /// A status report of many thousand volumes is larger than any reply that kubelet gets.
  private static let maximumReplySize = 64 << 20

  /// Sends one request and waits for its reply. Blocks for up to `deadline`.
  ///
  /// - Throws: `unavailable` when the daemon is not there or does not answer, naming the socket.
  package static func call(
    _ request: Request, socket: String, deadline: Duration = CallTimes.client
  ) throws(VolumeError) -> Reply {
    let connection: Descriptor
    do throws(SystemError) {
      connection = try UnixSocket.connect(path: socket)
    } catch {
      throw refusal(error, socket)
    }
    do {
      try StreamIO.writeAll(connection, request.encoded(), deadline: deadline)
      return try Reply(
        decoding: try StreamIO.readFrame(connection, limit: maximumReplySize, deadline: deadline))
    } catch {
      throw VolumeError(.unavailable, "the daemon at \(socket) gave no reply", cause: error)
    }
  }

  private static func refusal(_ error: SystemError, _ socket: String) -> VolumeError {
    switch error.errno {
    case .accessDenied, .notPermitted:
      VolumeError(.forbidden, "only root may use the daemon's socket \(socket); run the command as root")
    case .noEntry:
      VolumeError(.unavailable, "the daemon's socket \(socket) does not exist; is elastic-local-node serving there?")
    case .connectionRefused:
      VolumeError(.unavailable, "nobody listens at \(socket); is elastic-local-node serving there?")
    default:
      VolumeError(
        .unavailable, "cannot connect to \(socket) (\(error.errno)); is elastic-local-node serving there?", cause: error
      )
    }
  }
}
