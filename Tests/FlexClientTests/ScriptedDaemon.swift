import Foundation

/// The daemon's steps on its one connection, in order. It closes the connection at the end.
enum DaemonStep: Sendable {
  /// Reads up to the newline.
  case receive
  case send([UInt8])
  /// Sends one byte at a time, with pauses.
  case trickle([UInt8], milliseconds: UInt32)
  case idle(milliseconds: UInt32)
  /// Keeps the connection open until the client has gone.
  case hang

  static func send(_ text: String) -> DaemonStep { .send(Array(text.utf8)) }
}

/// A node daemon that plays a script to one client over a real Unix socket.
final class ScriptedDaemon: Sendable {
  let socket: String
  private let directory: TemporaryDirectory
  private let played: Task<[UInt8], any Error>

  /// Starts to listen, at once or after a delay.
  init(after delay: Duration = .zero, _ steps: [DaemonStep]) throws {
    directory = try TemporaryDirectory()
    let socket = directory.path + "/socket"
    self.socket = socket
    let listener = delay == .zero ? try listen(at: socket) : nil
    played = Task {
      if delay != .zero { try await Task.sleep(for: delay) }
      return try await onThread { try play(steps, on: listener ?? (try listen(at: socket))) }
    }
  }

  /// Returns the bytes that the client sent, after the script has ended.
  func received() async throws -> [UInt8] {
    defer { directory.remove() }
    return try await played.value
  }
}

/// Calls the client against a daemon that plays `steps`. Returns the client's output and the bytes that the daemon
/// received.
func exchange(
  _ steps: [DaemonStep], _ arguments: [[UInt8]] = [Array("mount".utf8)], timeout: String? = nil
) async throws -> (run: Run, received: [UInt8]) {
  let daemon = try ScriptedDaemon(steps)
  let run = try await callClient(arguments, socket: daemon.socket, timeout: timeout)
  return (run, try await daemon.received())
}

private func listen(at path: String) throws -> Int32 {
  let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let size = socklen_t(MemoryLayout<sockaddr_un>.size)
  let bound = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
  }
  guard bound == 0, Glibc.listen(listener, 1) == 0 else {
    throw TestFailure("cannot listen at \(path): errno \(errno)")
  }
  return listener
}

private func play(_ steps: [DaemonStep], on listener: Int32) throws -> [UInt8] {
  defer { close(listener) }
  // Without this, a client that never connects would block the test forever.
  var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
  guard poll(&entry, 1, 20_000) == 1 else { throw TestFailure("no client connected") }
  let connection = accept(listener, nil, nil)
  defer { close(connection) }
  // Clients of concurrent tests must not inherit the socket.
  _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
  var received: [UInt8] = []
  for step in steps {
    switch step {
    case .receive: received += receiveLine(connection)
    case .send(let bytes): sendAll(bytes, connection)
    case .trickle(let bytes, let milliseconds):
      for byte in bytes {
        sendAll([byte], connection)
        usleep(milliseconds * 1000)
      }
    case .idle(let milliseconds): usleep(milliseconds * 1000)
    case .hang: while !read(connection).isEmpty {}
    }
  }
  return received
}

private func receiveLine(_ connection: Int32) -> [UInt8] {
  var line: [UInt8] = []
  while line.last != newline {
    let chunk = read(connection)
    if chunk.isEmpty { break }
    line += chunk
  }
  return line
}

private func read(_ connection: Int32) -> [UInt8] {
  var chunk = [UInt8](repeating: 0, count: 65536)
  let count = recv(connection, &chunk, chunk.count, 0)
  return count > 0 ? Array(chunk[..<count]) : []
}

/// Stops when the client has gone.
private func sendAll(_ bytes: [UInt8], _ connection: Int32) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if count <= 0 { return }
    rest = rest.dropFirst(count)
  }
}
