internal import LinuxSystem
internal import NodeProtocol
internal import NodeService
package import StorageModel
internal import Synchronization
internal import Telemetry

/// Serves the Unix socket: one request per connection, for root only.
///
/// Concurrency: one thread accepts connections. Another reads requests, writes replies and notices callers that
/// disconnect. Each call is a task. If a caller disconnects, its task is cancelled and the call is undone. Hanging
/// calls do not keep others waiting, because a waiting call holds a descriptor and no thread.
package final class NodeServer: Sendable {
  private let path: String
  /// Nil when the server has been stopped.
  private let listener: Mutex<ListenerBox?>
  private let loop: RequestLoop
  private let calls: CallsInFlight
  private let log: Log
  private let metrics: Metrics

  /// Listens at `path` (mode 0600). Does not accept connections yet.
  ///
  /// - Parameters:
  /// - connections: the limit of connections at once. More wait.
  /// - makingCalls: the limit of calls in progress that create, mount or grow. More are refused, and kubelet retries
  ///   them. The rest is for calls that unmount or only read.
  /// - confirmationDeadline: how long a client may take to check a mount.
  package init(
    path: String, handler: CallHandler, connections: Int = 4096, makingCalls: Int = 2048,
    confirmationDeadline: Duration = .seconds(30)
  ) throws(VolumeError) {
    log = handler.context.log
    metrics = handler.context.metrics
    let calls = CallsInFlight(handler: handler, limit: makingCalls, confirmationDeadline: confirmationDeadline)
    self.calls = calls
    let limits = RequestLoop.Limits(
      connections: connections, dropsOldest: false, requestSize: Request.maximumSize, requestTime: .seconds(5),
      answerTime: nil, replyTime: .seconds(5), lingers: false)
    do throws(SystemError) {
      loop = try RequestLoop(name: "calls", framing: .line, limits: limits) { calls.begin($0, $1) }
    } catch {
      throw VolumeError(.unavailable, "the thread of the socket \(path) cannot be started: \(error)", cause: error)
    }
    self.path = path
    do throws(VolumeError) {
      listener = Mutex(try Self.listen(at: path))
    } catch {
      loop.stop()
      throw error
    }
  }

  private static func listen(at path: String) throws(VolumeError) -> ListenerBox {
    do throws(SystemError) {
      try Files.makeDirectories(directory(of: path), mode: 0o700)
      return ListenerBox(try UnixListener(path: path))
    } catch {
      throw VolumeError(.unavailable, "the socket \(path) cannot be created: \(error)", cause: error)
    }
  }

  /// Accepts connections until ``stop(grace:)``. Blocks; call it on its own thread.
  package func acceptConnections() {
    while let current = listener.withLock({ $0 }) { acceptConnections(of: current) }
  }

  /// Accepts connections until the listener is shut down.
  private func acceptConnections(of current: ListenerBox) {
    while true {
      do throws(SystemError) {
        let connection = try current.listener.accept()
        do throws(VolumeError) {
          try requireRoot(connection)
          loop.add(connection)
        } catch {
          refuse(connection, error)
        }
      } catch {
        if error.errno == .invalid { return }
        log.error("connection cannot be accepted", ["reason": "\(error)"])
        ThreadSleep.sleep(.milliseconds(100))
      }
    }
  }

  /// The state of the socket's file.
  package enum SocketState: Hashable, Sendable {
    case inPlace
    /// The socket had been removed, and was created again.
    case restored
    /// Another file has its name, perhaps another daemon's socket.
    case replaced
  }

  /// Creates the socket again if it was removed, because no client could find the daemon.
  ///
  /// - Throws: `unavailable` if it cannot be created.
  package func restoreSocket() throws(VolumeError) -> SocketState {
    guard let current = listener.withLock({ $0 }) else { return .inPlace }
    let found: FileIdentity?
    do throws(SystemError) {
      found = try Files.identity(of: path)
    } catch {
      throw VolumeError(error, during: "checking the socket \(path)")
    }
    if let found { return found == current.listener.file ? .inPlace : .replaced }
    let new = try Self.listen(at: path)
    let isStopped = listener.withLock { listener in
      guard listener != nil else { return true }
      listener = new
      return false
    }
    // The accepting thread continues with the new socket.
    if isStopped { new.listener.shutdown() } else { current.listener.shutdown() }
    return .restored
  }

  /// Stops accepting, lets running calls continue for `grace`, then cancels them. Cancelled calls are undone.
  package func stop(grace: Duration) async {
    let last = listener.withLock { listener in
      defer { listener = nil }
      return listener
    }
    last?.listener.shutdown()
    let end = MonotonicClock.now() + grace
    while MonotonicClock.now() < end, !calls.isEmpty { await Self.pause() }
    calls.cancelAll()
    while !calls.isEmpty { await Self.pause() }
    loop.stop()
  }

  private static func pause() async {
    do { try await Task.sleep(for: .milliseconds(20)) } catch { return }  // cancelled: do not wait
  }

  private static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }

  /// The socket's mode already keeps other users out. This check also holds if the mode was changed.
  private func requireRoot(_ connection: borrowing Descriptor) throws(VolumeError) {
    let peer: PeerCredentials
    do throws(SystemError) {
      peer = try UnixSocket.peerCredentials(connection)
    } catch {
      throw VolumeError(.forbidden, "the caller's user is not known: \(error)")
    }
    guard peer.uid == 0 || peer.uid == OwnProcess.effectiveUserID else {
      throw VolumeError(.forbidden, "user \(peer.uid) (process \(peer.pid)) may not call this daemon; only root may")
    }
  }

  private func refuse(_ connection: consuming Descriptor, _ error: VolumeError) {
    metrics.refuseConnection()
    log.warning("request refused", ["code": error.code.rawValue, "reason": error.message])
    do throws(SystemError) {
      // Nothing has been sent yet, so the socket's buffer has space for the reply.
      try StreamIO.writeAll(connection, Reply(error).encoded(), deadline: .zero)
    } catch {
      log.info("reply not delivered", ["reason": "\(error)"])
    }
  }
}

/// A listener that can be replaced.
private final class ListenerBox: Sendable {
  let listener: UnixListener

  init(_ listener: consuming UnixListener) { self.listener = listener }
}
