import CFlexClient

/// One exchange with the node daemon: connect, send a line, receive a line, and after a mount send one more line. Every
/// function blocks, at most until the call's deadline.
///
/// The connection is never closed here; the process ends after it. If the client ends before the reply, the daemon
/// treats the request as cancelled.
struct DaemonCall {
  private let configuration: ClientConfiguration
  private let deadline: Deadline
  /// The path of the socket, for messages.
  let socketName: String

  /// Starts the call's deadline.
  init(_ configuration: ClientConfiguration) {
    self.configuration = configuration
    deadline = Deadline(milliseconds: configuration.timeoutInSeconds * 1000)
    socketName = printableText(bytesOfCString(configuration.socketPath), limit: 256)
  }

  /// Sends the request line and returns the reply: the bytes up to the first newline and any received with it, or up to
  /// the end.
  func exchange(_ request: [UInt8], over connection: Int32) throws(ClientFailure) -> [UInt8] {
    try send(request, over: connection)
    return try receive(from: connection)
  }

  /// Tells the daemon whether the kubelet sees the mount. Returns false if the daemon no longer accepts that. The
  /// daemon then keeps the mount or rolls it back by itself.
  func confirm(_ seen: Bool, over connection: Int32) -> Bool {
    let line: StaticString = seen ? "{\"seen\":true}\n" : "{\"seen\":false}\n"
    // A few bytes fit into an empty buffer, so they are sent completely or not at all.
    return flexclient_send(connection, line.utf8Start, line.utf8CodeUnitCount) == line.utf8CodeUnitCount
  }

  /// Waits until the daemon closes the connection. It does so after it has rolled back the mount, or when it ends.
  func awaitEnd(of connection: Int32) throws(ClientFailure) {
    while try !receive(from: connection).isEmpty {}
  }

  /// Connects to the daemon. Retries for 5 s while nobody listens, because the daemon may be restarting. Retries for 60
  /// s after a daemon that was told to end and left word that another one follows (docs/wire.md).
  func connect() throws(ClientFailure) -> Int32 {
    let window = Deadline(milliseconds: min(connectWindow, configuration.timeoutInSeconds * 1000))
    let longWindow = Deadline(milliseconds: min(replacementWindow, configuration.timeoutInSeconds * 1000))
    var pause = firstPause
    while true {
      let connection = flexclient_connect(configuration.socketPath)
      if connection >= 0 { return connection }
      let fault = SystemFault(Int(connection))
      let left = isBeingReplaced ? longWindow.remaining : window.remaining
      if !fault.mayPassByItself || left == 0 {
        throw .daemon(socketName, "cannot connect to the node daemon: \(fault.text)")
      }
      flexclient_pause(Int32(min(pause, left)))
      pause = min(2 * pause, longestPause)
    }
  }

  /// Whether a daemon ended here within the last 300 s because it was told to.
  private var isBeingReplaced: Bool {
    let suffix: StaticString = ".restarting"
    let name = UnsafeRawPointer(suffix.utf8Start).assumingMemoryBound(to: CChar.self)
    let age = flexclient_age(configuration.socketPath, name)
    return age >= 0 && age < replacementAge
  }

  private func send(_ request: [UInt8], over connection: Int32) throws(ClientFailure) {
    var sent = 0
    while sent < request.count {
      let count = request.withUnsafeBufferPointer { rest(of: $0, from: sent, over: connection) }
      if count >= 0 {
        sent += count
        continue
      }
      let fault = SystemFault(count)
      switch fault.cause {
      case .interrupted: continue
      // A daemon that rejects a request may reply before it has read all of it. That reply counts.
      case .peerGone: return
      case .again: if try wait(connection, writing: true) { return }
      default: throw .daemon(socketName, "cannot send to the node daemon: \(fault.text)")
      }
    }
  }

  private func rest(of request: UnsafeBufferPointer<UInt8>, from start: Int, over connection: Int32) -> Int {
    guard let base = request.baseAddress else { return 0 }
    return flexclient_send(connection, base + start, request.count - start)
  }

  private func receive(from connection: Int32) throws(ClientFailure) -> [UInt8] {
    var reply: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    while true {
      _ = try wait(connection, writing: false)
      let count = chunk.withUnsafeMutableBufferPointer { read(connection, into: $0) }
      if count > 0 {
        reply.append(contentsOf: chunk[..<count])
        if reply.count > wireLimit {
          throw .daemon(socketName, "the node daemon's reply is larger than \(wireLimit) bytes")
        }
        if chunk[..<count].contains(newline) { return reply }
        continue
      }
      let fault = SystemFault(count)
      if count == 0 || fault.cause == .peerGone { return reply }
      if fault.cause != .again && fault.cause != .interrupted {
        throw .daemon(socketName, "cannot receive from the node daemon: \(fault.text)")
      }
    }
  }

  private func read(_ connection: Int32, into chunk: UnsafeMutableBufferPointer<UInt8>) -> Int {
    guard let base = chunk.baseAddress else { return 0 }
    return flexclient_receive(connection, base, chunk.count)
  }

  /// Waits until there is something to read or, with `writing`, until bytes can be written. Returns true if there is
  /// something to read.
  private func wait(_ connection: Int32, writing: Bool) throws(ClientFailure) -> Bool {
    let readable = Int32(FLEXCLIENT_READABLE)
    let interest = writing ? readable | Int32(FLEXCLIENT_WRITABLE) : readable
    while true {
      let left = deadline.remaining
      if left == 0 {
        let lack = writing ? "take the request" : "reply"
        throw .daemon(socketName, "the node daemon did not \(lack) within \(configuration.timeoutInSeconds) s")
      }
      let ready = flexclient_poll(connection, interest, Int32(left))
      if ready > 0 { return ready & readable != 0 }
      let fault = SystemFault(Int(ready))
      if ready < 0 && fault.cause != .interrupted {
        throw .daemon(socketName, "cannot wait for the node daemon: \(fault.text)")
      }
    }
  }
}

/// How long to retry a connection, in milliseconds. A restart of the daemon takes less.
private let connectWindow = 5000
/// How long to retry while a daemon is being replaced, in milliseconds. A new pod is created and its image may have to
/// be pulled.
private let replacementWindow = 60_000
/// The age in seconds after which the word of a daemon that ended no longer counts.
private let replacementAge = 300
/// The first pause between attempts, in milliseconds: 10, 20, 40, 80, 160, 200, 200 …
private let firstPause = 10
private let longestPause = 200
/// The most bytes per read. A reply has a few hundred bytes.
private let chunkSize = 4096
