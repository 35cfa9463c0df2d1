internal import LinuxSystem
internal import NodeProtocol
internal import NodeService
package import StorageModel
internal import Synchronization
internal import Telemetry

/// Serves the Unix socket: one request a connection, root only.
///
/// Concurrency: a thread accepts, another reads requests, writes replies and sees callers go, and each call is a task. A
/// caller that goes away cancels its task; what the call had done by then is taken back. However many calls hang, others
/// get their turn: a call that waits holds a descriptor and no thread.
package final class NodeServer: Sendable {
  private let path: String
  /// Nil when the server has been stopped.
  private let listener: Mutex<ListenerBox?>
  private let loop: RequestLoop
  private let calls: CallsInFlight
  private let log: Log
  private let metrics: Metrics

  /// Listens at `path` (mode 0600); does not accept yet.
  ///
  /// - Parameters:
  ///   - connections: how many connections there are at once; more wait for their turn.
  ///   - makingCalls: how many calls that make, mount or grow are served at once; more are refused, to be repeated. The
  ///     rest is for calls that take down, or only look.
  ///   - confirmationDeadline: how long a client may take to look at a mount.
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
      throw VolumeError(.unavailable, "the socket \(path) cannot be made: \(error)", cause: error)
    }
  }

  /// Accepts until ``stop()``. Blocks: call it on a thread of its own.
  package func acceptConnections() {
    while let current = listener.withLock({ $0 }) { acceptConnections(of: current) }
  }

  /// Accepts until the listener is shut down.
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

  /// What has become of the socket's file.
  package enum SocketState: Hashable, Sendable {
    case inPlace
    /// It had been removed, and was made again.
    case restored
    /// Another file has its name: another daemon's socket, perhaps.
    case replaced
  }

  /// Makes the socket again when somebody has removed it: no client could find the daemon any more.
  ///
  /// - Throws: `unavailable` when it cannot be made.
  package func restoreSocket() throws(VolumeError) -> SocketState {
    guard let current = listener.withLock({ $0 }) else { return .inPlace }
    let found: FileIdentity?
    do throws(SystemError) {
      found = try Files.identity(of: path)
    } catch {
      throw VolumeError(error, during: "looking at the socket \(path)")
    }
    if let found { return found == current.listener.file ? .inPlace : .replaced }
    let new = try Self.listen(at: path)
    let isStopped = listener.withLock { listener in
      guard listener != nil else { return true }
      listener = new
      return false
    }
    // The thread that accepts goes on with the new one.
    if isStopped { new.listener.shutdown() } else { current.listener.shutdown() }
    return .restored
  }

  /// Ends accepting, gives running calls `grace` to end, then cancels them: they undo what they have begun.
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
    do { try await Task.sleep(for: .milliseconds(20)) } catch { return }  // cancelled: the caller is in a hurry
  }

  private static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }

  /// The socket's mode keeps others out already; this holds when somebody has changed it.
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
      // Nothing has been sent yet, so there is space for it.
      try StreamIO.writeAll(connection, Reply(error).encoded(), deadline: .zero)
    } catch {
      log.info("reply not delivered", ["reason": "\(error)"])
    }
  }
}

/// A listener that can be exchanged.
private final class ListenerBox: Sendable {
  let listener: UnixListener

  init(_ listener: consuming UnixListener) { self.listener = listener }
}
