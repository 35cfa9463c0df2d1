internal import CLinux
internal import Glibc

/// A listening Unix stream socket at a path.
///
/// The socket file stays when this value ends. The next listener replaces it. Removing it could remove the next
/// listener's file.
package struct UnixListener: ~Copyable, Sendable {
  private let socket: Descriptor
  private let path: String
  /// The identity of the socket file.
  package let file: FileIdentity

  /// Listens at `path` and replaces the socket of an earlier process.
  ///
  /// The socket is bound at a temporary name in the same directory, gets exactly `mode`, listens, and is renamed to
  /// `path`. So nobody can connect without permission, and clients always find the old or the new socket.
  ///
  /// - Throws: the error of the call that failed, such as `ENAMETOOLONG` or `EACCES`.
  package init(path: String, mode: UInt32 = 0o600, backlog: Int32 = 128) throws(SystemError) {
    let socket = try UnixSocket.make(subject: path)
    let temporary = Files.join(Files.parent(of: path), Files.temporaryName())
    let file: FileIdentity?
    do throws(SystemError) {
      try Self.bind(socket.rawValue, at: temporary, mode: mode, subject: path)
      let number = socket.rawValue
      try retryingInterrupts("listen at", path) { listen(number, backlog) }
      file = try Files.identity(of: temporary)
      try retryingInterrupts("rename socket to", path) { rename(temporary, path) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard let file else { throw SystemError(operation: "find own socket at", subject: path, errno: .noEntry) }
    self.socket = socket
    self.path = path
    self.file = file
  }

  private static func bind(_ socket: Int32, at path: String, mode: UInt32, subject: String) throws(SystemError) {
    let address = try SocketAddress(path: path)
    try retryingInterrupts("bind socket at", subject) { address.with { Glibc.bind(socket, $0, $1) } }
    try retryingInterrupts("chmod", subject) { chmod(path, mode_t(mode)) }
  }

  /// Returns the next connection. Blocks until there is one.
  ///
  /// - Throws: `EINVAL` after ``shutdown()``; otherwise the error of accept(2). After `EMFILE` and the like, wait a
  ///   moment before the next call.
  package borrowing func accept() throws(SystemError) -> Descriptor {
    let number = socket.rawValue
    while true {
      do throws(SystemError) {
        return Descriptor(adopting: try retryingInterrupts("accept at", path) { clinux_accept(number) })
      } catch {
        // The client went away before it was accepted.
        guard error.errno == .connectionAborted else { throw error }
      }
    }
  }

  /// Stops accepting for good and wakes the thread in `accept`. Connections in the backlog are rejected. Has no effect
  /// if called again.
  package borrowing func shutdown() { Glibc.shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}
