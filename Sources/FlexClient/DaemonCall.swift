import CFlexClient

/// One exchange with the node daemon: connect, send a line, receive a line, and after a mount send one more. Blocks, at most
/// until its deadline.
///
/// The connection is never closed here: the process ends after it, and to the daemon a client that ends before the
/// reply has cancelled its request.
struct DaemonCall {
  private let settings: Settings
  private let deadline: Deadline
  /// The socket's path for messages.
  let socketName: String

  /// The clock starts.
  init(_ settings: Settings) {
    self.settings = settings
    deadline = Deadline(milliseconds: settings.timeoutInSeconds * 1000)
    socketName = printableText(bytesOfCString(settings.socketPath), limit: 256)
  }

  /// Sends the request line; the bytes that came back, up to the first newline and what came with it, or to the end.
  func exchange(_ request: [UInt8], over connection: Int32) throws(ClientFailure) -> [UInt8] {
    try send(request, over: connection)
    return try receive(from: connection)
  }

  /// Says whether the kubelet sees the mount. False when the daemon takes no word any more: then it keeps the mount or takes
  /// it back by itself.
  func confirm(_ seen: Bool, over connection: Int32) -> Bool {
    let line: StaticString = seen ? "{\"seen\":true}\n" : "{\"seen\":false}\n"
    // A few bytes into an empty buffer: all or nothing.
    return flexclient_send(connection, line.utf8Start, line.utf8CodeUnitCount) == line.utf8CodeUnitCount
  }

  /// Waits until the daemon has closed the connection, which it does when it has taken the mount back, or is gone.
  func awaitEnd(of connection: Int32) throws(ClientFailure) {
    while try !receive(from: connection).isEmpty {}
  }

  /// Connects; for a while also where nobody listens, since the daemon may be restarting. Longer where a daemon that was
  /// told to end has left word that another is to come (docs/wire.md).
  func connect() throws(ClientFailure) -> Int32 {
    let window = Deadline(milliseconds: min(connectWindow, settings.timeoutInSeconds * 1000))
    let longWindow = Deadline(milliseconds: min(replacementWindow, settings.timeoutInSeconds * 1000))
    var pause = firstPause
    while true {
      let connection = flexclient_connect(settings.socketPath)
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

  /// Whether a daemon has ended here a short while ago because it was told to.
  private var isBeingReplaced: Bool {
    let suffix: StaticString = ".restarting"
    let name = UnsafeRawPointer(suffix.utf8Start).assumingMemoryBound(to: CChar.self)
    let age = flexclient_age(settings.socketPath, name)
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
      // A daemon that refuses a request may reply before it has read all of it: the reply counts.
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

  /// Waits until there is something to read or, when `writing`, room to write. True when there is something to read.
  private func wait(_ connection: Int32, writing: Bool) throws(ClientFailure) -> Bool {
    let readable = Int32(FLEXCLIENT_READABLE)
    let interest = writing ? readable | Int32(FLEXCLIENT_WRITABLE) : readable
    while true {
      let left = deadline.remaining
      if left == 0 {
        let lack = writing ? "take the request" : "reply"
        throw .daemon(socketName, "the node daemon did not \(lack) within \(settings.timeoutInSeconds) s")
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

/// Milliseconds for which a connection is tried: what a restart of the daemon takes, with room to spare.
private let connectWindow = 5000
/// The same while a daemon is being replaced: a new pod has to be made, and its image may have to be pulled.
private let replacementWindow = 60_000
/// Seconds after which a daemon that ended is not waited for any longer than one that was never there.
private let replacementAge = 300
/// Milliseconds between tries: 10, 20, 40, 80, 160, 200, 200 …
private let firstPause = 10
private let longestPause = 200
/// Bytes per read. A reply is a few hundred.
private let chunkSize = 4096
