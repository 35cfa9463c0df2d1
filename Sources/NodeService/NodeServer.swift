internal import LinuxSystem
internal import NodeProtocol
package import StorageModel
internal import Synchronization
internal import Telemetry

/// Serves the Unix socket: one request a connection, root only.
///
/// Concurrency: a thread accepts, a thread of a bounded pool stays with each connection, and the call itself runs as a
/// task. A caller that goes away cancels its task; what the call had done by then is taken back.
package final class NodeServer: Sendable {
  private let path: String
  /// Nil when the server has been stopped.
  private let listener: Mutex<ListenerBox?>
  private let pool: WorkerPool
  private let handler: CallHandler
  private let log: Log
  private let metrics: Metrics
  private let inFlight = Mutex<Set<TaskBox>>([])
  private let confirmationDeadline: Duration

  /// A slow or silent caller holds a thread for no longer than this.
  private static let requestDeadline = Duration.seconds(5)
  private static let replyDeadline = Duration.seconds(5)

  /// Listens at `path` (mode 0600); does not accept yet.
  ///
  /// - Parameters:
  ///   - connections: how many calls are served at once; more wait for their turn.
  ///   - confirmationDeadline: how long a client may take to look at a mount.
  package init(
    path: String, handler: CallHandler, connections: Int = 128, confirmationDeadline: Duration = .seconds(30)
  ) throws(VolumeError) {
    self.handler = handler
    self.confirmationDeadline = confirmationDeadline
    log = handler.context.log
    metrics = handler.context.metrics
    pool = WorkerPool(name: "calls", limit: connections)
    self.path = path
    listener = Mutex(try Self.listen(at: path))
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
        let connection = ConnectionBox(try current.listener.accept())
        pool.post { [self] in serve(connection) }
      } catch {
        if error.errno == .invalid { return }
        log.error("connection can not be accepted", ["reason": "\(error)"])
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
    let found = try converting("looking at the socket \(path)") { () throws(SystemError) in
      try Files.identity(of: path)
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
    while MonotonicClock.now() < end, !inFlight.withLock({ $0.isEmpty }) { await Self.pause() }
    for box in inFlight.withLock({ $0 }) { box.task.cancel() }
    while !inFlight.withLock({ $0.isEmpty }) { await Self.pause() }
  }

  private static func pause() async {
    do { try await Task.sleep(for: .milliseconds(20)) } catch { return }  // cancelled: the caller is in a hurry
  }

  private static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }
}

/// A listener that can be exchanged.
private final class ListenerBox: Sendable {
  let listener: UnixListener

  init(_ listener: consuming UnixListener) { self.listener = listener }
}

// MARK: - One connection

/// A connection on its way to the thread that serves it.
///
/// `@unchecked`: `take` is called once, by that thread alone; the queue between the threads orders the two.
private final class ConnectionBox: @unchecked Sendable {
  private var descriptor: Descriptor?

  init(_ descriptor: consuming Descriptor) { self.descriptor = consume descriptor }

  func take() -> Descriptor? { descriptor.take() }
}

/// A running call, by identity.
private final class TaskBox: Sendable, Hashable {
  let task: Task<HandledCall, Never>

  init(_ task: Task<HandledCall, Never>) { self.task = task }

  static func == (left: TaskBox, right: TaskBox) -> Bool { left === right }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension NodeServer {
  private func serve(_ box: ConnectionBox) {
    guard let connection = box.take() else { return }
    do throws(VolumeError) {
      try requireRoot(connection)
      run(try readRequest(connection), connection)
    } catch {
      metrics.refuseConnection()
      log.warning("request refused", ["code": error.code.rawValue, "reason": error.message])
      send(Reply(error), to: connection)
    }
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

  private func readRequest(_ connection: borrowing Descriptor) throws(VolumeError) -> Request {
    let bytes: [UInt8]
    do throws(FrameError) {
      bytes = try StreamIO.readFrame(connection, limit: Request.maximumSize, deadline: Self.requestDeadline)
    } catch {
      throw VolumeError(.invalid, "no request came: \(error)")
    }
    return try Request(decoding: bytes)
  }

  /// Runs the call as a task and stays with the connection: whichever ends first decides.
  private func run(_ request: Request, _ connection: borrowing Descriptor) {
    let done = CancellationFlag()
    let handler = handler
    let shared = SharedResult()
    let box = TaskBox(
      Task.detached {
        let call = await handler.handle(request.arguments)
        shared.set(call)
        done.cancel()
        return call
      })
    inFlight.withLock { _ = $0.insert(box) }
    guard case .woken = StreamIO.waitForHangUp(connection, or: done), let call = shared.get(),
      send(call.reply, to: connection)
    else {
      box.task.cancel()
      takeBack(box, "the caller had gone")
      return
    }
    guard request.confirms, call.reply.shown != nil else {
      inFlight.withLock { _ = $0.remove(box) }
      return
    }
    finish(box, confirmation(from: connection), connection)
  }

  /// The caller has gone: what its call has done is undone as soon as the call has ended.
  private func takeBack(_ box: TaskBox, _ reason: String, then end: @escaping @Sendable () -> Void = {}) {
    Task.detached { [self] in
      let call = await box.task.value
      await call.undo?(reason)
      inFlight.withLock { _ = $0.remove(box) }
      end()
    }
  }

  /// Whether the client sees the mount; nil when it has gone, or said nothing for too long.
  ///
  /// Nothing can be lost between the two: after the deadline the socket takes no more, so a client that has been too late
  /// knows it, and what came before is read.
  private func confirmation(from connection: borrowing Descriptor) -> Bool? {
    let limit = Confirmation.maximumSize
    do throws(FrameError) {
      return Confirmation(
        decoding: try StreamIO.readFrame(connection, limit: limit, deadline: confirmationDeadline))?.seen
    } catch {
      guard error == .timedOut else { return nil }
    }
    do {
      try UnixSocket.endReading(connection)
      return Confirmation(decoding: try StreamIO.readFrame(connection, limit: limit, deadline: .zero))?.seen
    } catch {
      log.warning("mount not confirmed", ["reason": "\(error)"])
      return nil
    }
  }

  /// Keeps the mount, or takes it back; the connection is closed when that has been done.
  private func finish(_ box: TaskBox, _ seen: Bool?, _ connection: borrowing Descriptor) {
    if seen == true {
      inFlight.withLock { _ = $0.remove(box) }
      return
    }
    let done = CancellationFlag()
    takeBack(box, seen == nil ? "the caller had gone before it had confirmed" : "kubelet does not see it") {
      done.cancel()
    }
    _ = StreamIO.waitForHangUp(connection, or: done)
  }

  @discardableResult
  private func send(_ reply: Reply, to connection: borrowing Descriptor) -> Bool {
    do throws(SystemError) {
      try StreamIO.writeAll(connection, reply.encoded(), deadline: Self.replyDeadline)
      return true
    } catch {
      log.info("reply not delivered", ["reason": "\(error)"])
      return false
    }
  }
}

/// Where a task leaves its result for the thread that waits.
private final class SharedResult: Sendable {
  private let value = Mutex<HandledCall?>(nil)

  func set(_ call: HandledCall) { value.withLock { $0 = call } }
  func get() -> HandledCall? { value.withLock { $0 } }
}
